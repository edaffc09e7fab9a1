// SPDX-License-Identifier: LGPL-2.1-or-later
// Bilinear ×2 upsampling, with a residual and an activation after it. Used where the upsampling can't be
// folded into the convolution that follows.
#pragma once

#include "models/compiler/stage.h"
#include "models/executors/onednn/compiler_names.h"
#include "models/executors/onednn/stages/pixel_runs.h"
#include "models/graph/graph.h"

#include <optional>

namespace anime::onednn
{

/// Where pixel `i` of 2 `n` comes from.
Sample upsampled_from(int i, int n, Upsampling mode);

struct UpsampleSpec {
    std::string name;
    Upsampling mode = Upsampling::legacy;
    Tensor *source = nullptr;
    Tensor *residual = nullptr;
    std::optional<float> slope;
    std::vector<Tensor *> outputs;
};

class UpsampleStage final : public Stage
{
public:
    explicit UpsampleStage(UpsampleSpec spec);

    Rows needs(std::size_t i, Rows out) const override;
    void run(Rows rows) override;
    std::string describe() const override { return spec_.residual ? "upsample + residual" : "upsample"; }
    std::size_t held_bytes() const override { return rows_.size() * sizeof(float); }

private:
    void run_row(int y, float *line, float *other) const;
    /// The most frequent case in one loop.
    bool ends_in_bytes() const;
    template <typename Wide>
    UpsampledRow<Wide> row_of_bytes(int y) const;
    void blend_rows(int y, float *line, float *other) const;
    void finish(int x, int y, int pixels, float *values) const;

    UpsampleSpec spec_;
    Reader source_;
    std::optional<Reader> residual_;
    std::vector<Writer> writers_;
    std::vector<Sample> columns_;
    std::vector<float> rows_; ///< two rows of the source for each thread
};

} // namespace anime::onednn
