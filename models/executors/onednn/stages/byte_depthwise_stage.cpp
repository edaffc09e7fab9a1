// SPDX-License-Identifier: LGPL-2.1-or-later
// Pixels in blocks whose bytes stay in the first-level cache while all channels go by.
#include "models/executors/onednn/stages/byte_depthwise_stage.h"

#include "models/executors/onednn/kernels/isa.h"

#include <omp.h>

#include <algorithm>

namespace anime::onednn
{

namespace
{

constexpr int taps = 3;
/// Output pixels of a row at once: 27 kB of 512 channels.
constexpr int block_pixels = 16;

} // namespace

bool ByteDepthwiseStage::suits(const ConvSpec &spec, const Tensor &in)
{
    return isa().avx2 && in.type == Type::u8 && spec.paired && spec.groups == in.channels &&
           spec.channels == in.channels && spec.kernel_height == taps && spec.kernel_width == taps &&
           spec.stride == 1 && !spec.tanh;
}

ByteDepthwiseStage::ByteDepthwiseStage(ConvSpec spec, Tensor &in, Tensor &out)
    : Stage(spec.name, out.height), spec_(std::move(spec)), in_(in), out_(out), kernels_(kernels()),
      weights_(spec_.weights.size()), constant_(spec_.channels), scale_(spec_.channels),
      shift_(spec_.channels)
{
    inputs = {&in};
    outputs = {&out};
    for (int c = 0; c < spec_.channels; ++c) {
        double constant = spec_.bias.empty() ? 0 : spec_.bias[c];
        for (int t = 0; t < taps * taps; ++t) {
            const double weight =
                static_cast<double>(spec_.weights[c * taps * taps + t]) * in.quant->scale[c];
            weights_[t * spec_.channels + c] = static_cast<float>(weight);
            constant -= weight * in.quant->zero[c];
        }
        constant_[c] = static_cast<float>(constant);
    }
    spec_.weights = {};
    begin();
}

/// y · (1 + v) + addend, in units of the output: one factor and one addend of the sums.
void ByteDepthwiseStage::begin()
{
    const float *v =
        spec_.modulation && !spec_.modulation->empty() ? spec_.modulation->data() + spec_.offset : nullptr;
    for (int c = 0; c < spec_.channels; ++c) {
        const float factor = v ? 1.0F + v[c] : 1.0F;
        const float addend = v ? v[spec_.channels + c] : 0.0F;
        const float unit = out_.quant ? out_.quant->scale[c] : 1.0F;
        scale_[c] = factor / unit;
        shift_[c] = (constant_[c] * factor + addend) / unit;
    }
    moments_.begin(static_cast<double>(out_.height) * out_.width * out_.channels);
}

Rows ByteDepthwiseStage::needs(std::size_t, Rows out) const
{
    return {spec_.skip + out.begin, spec_.skip + out.end - 1 + taps};
}

void ByteDepthwiseStage::prepare(int)
{
    threads_ = omp_get_max_threads();
}

std::size_t ByteDepthwiseStage::held_bytes() const
{
    return (weights_.size() + 3 * constant_.size()) * sizeof(float);
}

void ByteDepthwiseStage::run(Rows rows)
{
    const int blocks = (out_.width + block_pixels - 1) / block_pixels;
    const auto block = [&](int i, int thread) {
        const int x = i % blocks * block_pixels;
        convolve(rows.begin + i / blocks, x, std::min(block_pixels, out_.width - x), thread);
    };
    moments_.start(threads_);
    if (threads_ == 1) { // a team within a team allocates
        for (int i = 0; i < rows.count() * blocks; ++i)
            block(i, 0);
    } else {
#pragma omp parallel for schedule(static) num_threads(threads_)
        for (int i = 0; i < rows.count() * blocks; ++i)
            block(i, omp_get_thread_num());
    }
    moments_.finish();
    out_.fill_borders(rows.begin, rows.end);
}

void ByteDepthwiseStage::convolve(int y, int x, int pixels, int thread)
{
    ByteDepthwise conv;
    conv.in = reinterpret_cast<const std::uint8_t *>(in_.bordered_row(spec_.skip + y) +
                                                     (spec_.skip_columns + x) * in_.pixel_bytes());
    conv.in_row = in_.row_bytes();
    conv.channels = in_.channels;
    conv.weights = weights_.data();
    conv.scale = scale_.data();
    conv.shift = shift_.data();
    conv.slope = spec_.slope.value_or(1.0F);
    conv.zero = out_.quant ? out_.quant->zero[0] : 0.0F;
    conv.out = out_.row(y) + x * out_.pixel_bytes();
    conv.pixels = pixels;
    conv.sums = spec_.moments ? moments_.of(thread) : nullptr;
    const auto kernel = out_.type == Type::f32    ? kernels_.byte_depthwise_f32
                        : out_.type == Type::bf16 ? kernels_.byte_depthwise_bf16
                                                  : kernels_.byte_depthwise_bytes;
    kernel(conv);
}

std::string ByteDepthwiseStage::describe() const
{
    std::string text = "3x3 conv depthwise";
    if (spec_.modulation)
        text += " + modulation";
    if (spec_.slope)
        text += " + activation";
    if (spec_.moments)
        text += " + moments";
    return text + ", of bytes in f32:" + kernels_.isa;
}

} // namespace anime::onednn
