// SPDX-License-Identifier: LGPL-2.1-or-later
// The global branch: a thumbnail of the whole picture, and the vector that is computed from it.
#pragma once

#include "models/compiler/stage.h"
#include "models/executors/onednn/compiler_names.h"
#include "models/graph/graph.h"

#include <optional>

namespace anime::onednn
{

/// Area mean of the padded picture.
class ThumbnailStage final : public Stage
{
public:
    /// `height` × `width` is the size of the padded picture.
    ThumbnailStage(const Frame &frame, int height, int width, Tensor &out);

    Rows needs(std::size_t, Rows) const override { return {}; }
    void run(Rows rows) override;
    std::string describe() const override { return "thumbnail"; }
    std::size_t held_bytes() const override { return sums_.size() * sizeof(std::uint32_t); }

private:
    void run_row(int y);

    const Frame &frame_;
    int height_;
    int width_;
    Tensor &out_;
    std::vector<std::uint32_t> sums_; ///< of picture columns, a row for each thread
};

/// (C, H, W) → (C)
class MeanStage final : public Stage
{
public:
    MeanStage(Tensor &in, Vector &out);

    Rows needs(std::size_t, Rows out) const override { return out; }
    void begin() override;
    void run(Rows rows) override;
    std::string describe() const override { return "mean"; }

private:
    Tensor &in_;
    Vector &out_;
};

class LinearStage final : public Stage
{
public:
    LinearStage(const Node &node, std::optional<float> slope, const Vector &in, Vector &out);

    Rows needs(std::size_t, Rows) const override { return {}; }
    void run(Rows rows) override;
    std::string describe() const override { return "linear"; }

private:
    WeightPtr weight_;
    WeightPtr bias_;
    std::optional<float> slope_;
    const Vector &in_;
    Vector &out_;
};

} // namespace anime::onednn
