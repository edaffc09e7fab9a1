// SPDX-License-Identifier: LGPL-2.1-or-later
// The pass between two convolutions: normalise, activate, add the residual, convert, write into the next
// convolution's bordered input. One read and one write of every value.
#pragma once

#include "models/executors/onednn/stages/affine.h"
#include "models/executors/onednn/stages/pixel_runs.h"

#include <optional>

namespace anime::onednn
{

struct ApplySpec {
    std::string name;
    /// One, or the four phases of a fused upsampling: (even, odd) columns of even rows, then of odd rows.
    std::vector<Tensor *> sources;
    AffineSpec affine;
    std::optional<float> slope;
    Tensor *residual = nullptr;
    std::optional<float> slope_after; ///< activation after the residual was added
    std::vector<Tensor *> outputs;
};

class ApplyStage final : public Stage
{
public:
    explicit ApplyStage(ApplySpec spec);

    Rows needs(std::size_t i, Rows out) const override;
    void begin() override;
    void run(Rows rows) override;
    std::string describe() const override;

private:
    void gather(int x, int y, int pixels, float *out) const;
    void run_row(int y) const;
    bool fits_one_loop() const;
    template <typename Wide>
    void run_row_in_one_loop(int y) const;
    template <typename Wide>
    void run_piece(Pass<Wide> pass, int x, int y) const;

    ApplySpec spec_;
    std::vector<Reader> sources_;
    std::optional<Reader> residual_;
    std::vector<Writer> writers_;
    std::vector<float> scale_;
    std::vector<float> shift_;
    bool one_loop_ = false; ///< all is of one wide type or of bytes, as Pass wants it
    Tensor *wide_ = nullptr;
    Tensor *bytes_ = nullptr;
    std::vector<float> unit_;
    std::vector<float> zero_;
};

} // namespace anime::onednn
