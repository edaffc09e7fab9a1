// SPDX-License-Identifier: LGPL-2.1-or-later
// Thumbnail, mean over the picture, fully connected layers.
#include "models/executors/onednn/stages/global_stages.h"

#include "models/executors/onednn/kernels/kernels.h"
#include "models/executors/onednn/stages/each_row.h"
#include "models/padding.h"

#include <omp.h>

#include <algorithm>
#include <array>

namespace anime::onednn
{

namespace
{

struct Span {
    int begin = 0;
    int end = 0;
};

constexpr int largest_pixel = 4; ///< bytes

/// The pixels of `n` that cell `i` of `cells` touches; each counts as a whole.
Span span_of(int i, int cells, int n)
{
    return {static_cast<int>(static_cast<std::int64_t>(i) * n / cells),
            static_cast<int>((static_cast<std::int64_t>(i + 1) * n + cells - 1) / cells)};
}

} // namespace

ThumbnailStage::ThumbnailStage(const Frame &frame, int height, int width, Tensor &out)
    : Stage("thumbnail", out.height), frame_(frame), height_(height), width_(width), out_(out),
      sums_(static_cast<std::size_t>(omp_get_max_threads()) * width * largest_pixel)
{
    outputs = {&out};
}

void ThumbnailStage::run_row(int y)
{
    const ConstImage &in = frame_.in;
    const Span rows = span_of(y, out_.height, height_);
    // Sums of columns first, which vectorise, then of the columns of each cell.
    const std::size_t bytes = static_cast<std::size_t>(in.width - 1) * in.pixel + 3;
    std::uint32_t *sums =
        sums_.data() + static_cast<std::size_t>(omp_get_thread_num()) * width_ * largest_pixel;
    std::fill_n(sums, bytes, 0U);
    for (int row = rows.begin; row < rows.end; ++row)
        kernels().add_bytes(in.row(mirrored(row, in.height)), sums, bytes);
    auto *to = reinterpret_cast<float *>(out_.row(y));
    for (int x = 0; x < out_.width; ++x) {
        const Span columns = span_of(x, out_.width, width_);
        std::array<std::uint64_t, 3> cell = {0, 0, 0};
        for (int column = columns.begin; column < columns.end; ++column) {
            const int source = column < in.width ? column : mirrored(column, in.width);
            for (int c = 0; c < 3; ++c)
                cell[c] += sums[source * in.pixel + c];
        }
        const double count = static_cast<double>(rows.end - rows.begin) * (columns.end - columns.begin);
        for (int c = 0; c < 3; ++c)
            to[x * 3 + c] = static_cast<float>(static_cast<double>(cell[c]) / count / 127.5 - 1.0);
    }
}

void ThumbnailStage::run(Rows rows)
{
    each_row(rows, [this](int y) {
        run_row(y);
        out_.fill_sides(y);
    });
    out_.fill_ends(rows.begin, rows.end);
}

MeanStage::MeanStage(Tensor &in, Vector &out) : Stage(in.name + " mean", in.height), in_(in), out_(out)
{
    inputs = {&in};
    out_.resize(in.channels);
}

void MeanStage::begin()
{
    std::fill(out_.begin(), out_.end(), 0.0F);
}

void MeanStage::run(Rows rows)
{
    const float share = 1.0F / (static_cast<float>(in_.height) * static_cast<float>(in_.width));
    for (int y = rows.begin; y < rows.end; ++y) {
        const auto *from = reinterpret_cast<const float *>(in_.row(y));
        for (int x = 0; x < in_.width; ++x)
            for (int c = 0; c < in_.channels; ++c)
                out_[c] += from[x * in_.channels + c] * share;
    }
}

LinearStage::LinearStage(const Node &node, std::optional<float> slope, const Vector &in, Vector &out)
    : Stage(node.name, 1), weight_(node.weight), bias_(node.bias), slope_(slope), in_(in), out_(out)
{
    out_.resize(node.channels);
}

void LinearStage::run(Rows)
{
    const std::size_t columns = in_.size();
    for (std::size_t o = 0; o < out_.size(); ++o) {
        float sum = bias_ ? bias_->data[o] : 0.0F;
        for (std::size_t i = 0; i < columns; ++i)
            sum += weight_->data[o * columns + i] * in_[i];
        out_[o] = slope_ ? std::max(sum, *slope_ * sum) : sum;
    }
}

} // namespace anime::onednn
