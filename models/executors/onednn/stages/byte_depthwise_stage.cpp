// SPDX-License-Identifier: LGPL-2.1-or-later
// Pixels in blocks whose bytes stay in the first-level cache while all channels go by.
#include "models/executors/onednn/stages/byte_depthwise_stage.h"

#include "models/executors/onednn/kernels/isa.h"
#include "models/executors/onednn/stages/pixel_blocks.h"

#include <omp.h>

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
      weights_(spec_.weights.size()), output_(spec_.channels)
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
        output_.unit[c] = 1;
        output_.constant[c] = static_cast<float>(constant);
    }
    spec_.weights = {};
    begin();
}

void ByteDepthwiseStage::begin()
{
    output_.begin(spec_, out_);
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
    return weights_.size() * sizeof(float) + output_.held_bytes();
}

void ByteDepthwiseStage::run(Rows rows)
{
    moments_.start(threads_);
    each_pixel_block(rows, out_.width, block_pixels, threads_,
                     [this](int y, int x, int pixels, int thread) { convolve(y, x, pixels, thread); });
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
    conv.scale = output_.scale.data();
    conv.shift = output_.shift.data();
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
    text += spec_.on_the_way();
    if (spec_.moments)
        text += " + moments";
    return text + ", of bytes in f32:" + kernels_.isa;
}

} // namespace anime::onednn
