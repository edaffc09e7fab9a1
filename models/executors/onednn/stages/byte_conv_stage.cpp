// SPDX-License-Identifier: LGPL-2.1-or-later
// Pixels in blocks whose bytes stay in the first-level cache while the panels of weights go by.
#include "models/executors/onednn/stages/byte_conv_stage.h"

#include "models/executors/onednn/kernels/isa.h"
#include "models/executors/onednn/stages/pixel_blocks.h"

#include <omp.h>

#include <algorithm>

namespace anime::onednn
{

namespace
{

/// Output pixels of a row at once.
constexpr int block_pixels = 32;
/// Of the bytes of a register's lane.
constexpr std::size_t quad = 4;
/// What rounding may cost where four quads are added in 16 bits, of the weights, both squared: noise of 2.5
/// %, which is 32 dB below the output. With one quad it is about 1 %.
constexpr double most_error = 6e-4;

/// For each value of a kernel (input channel, tap) the sum of 16 bits that its product goes to, where `quads`
/// quads of a row of taps are added: neighbours in a quad, and the same places of the other quads.
std::vector<int> sums_of_16_bits(const ConvSpec &spec, int channels, int quads)
{
    const int added = static_cast<int>(quad) * quads;
    const int row = (spec.kernel_width * channels + added - 1) / added;
    std::vector<int> out;
    for (int c = 0; c < channels; ++c)
        for (int y = 0; y < spec.kernel_height; ++y)
            for (int x = 0; x < spec.kernel_width; ++x) {
                const int at = x * channels + c;
                out.push_back(2 * (y * row + at / added) + at % static_cast<int>(quad) / 2);
            }
    return out;
}

} // namespace

bool ByteConvStage::suits(const ConvSpec &spec, const Tensor &in)
{
    // A pixel may be read as whole quads where another one follows it.
    return isa().avx2 && in.type == Type::u8 && spec.paired && spec.groups == 1 && !spec.tanh &&
           static_cast<std::size_t>(in.channels) * spec.stride >= quad - 1;
}

ByteConvStage::ByteConvStage(ConvSpec spec, Tensor &in, Tensor &out, WeightCache &cache)
    : Stage(spec.name, out.height), spec_(std::move(spec)), in_(in), out_(out), kernels_(kernels()),
      run_(rounded_up(row_bytes(), quad))
{
    inputs = {&in};
    outputs = {&out};
    pack(folded(), cache);
    spec_.weights = {};
    begin();
}

Folded ByteConvStage::folded()
{
    FoldSpec fold_spec{
        spec_.channels, 1,    spec_.kernel_height * spec_.kernel_width,        spec_.weights, spec_.bias,
        spec_.mean,     true, sums_of_16_bits(spec_, in_.channels, byte_quads)};
    Folded out = fold(fold_spec, *in_.quant);
    if (rounding_error(fold_spec, *in_.quant, out) > most_error) {
        quads_ = 1;
        fold_spec.sums = sums_of_16_bits(spec_, in_.channels, quads_);
        out = fold(fold_spec, *in_.quant);
    }
    return out;
}

void ByteConvStage::pack(const Folded &folded, WeightCache &cache)
{
    using dnnl::memory;
    const std::size_t padded = rounded_up(spec_.channels, byte_panel);
    output_ = ByteOutput(padded);
    for (int n = 0; n < spec_.channels; ++n) {
        output_.unit[n] = folded.scales[n];
        output_.constant[n] = folded.bias[n] * folded.scales[n];
    }
    const memory::desc layout({static_cast<memory::dim>(padded / byte_panel * panel_bytes())},
                              memory::data_type::s8, memory::format_tag::x);
    weights_ = cache.get(spec_.name + " of bytes", layout, [&] {
        memory packed(layout, cpu());
        auto *to = static_cast<std::int8_t *>(packed.get_data_handle());
        std::fill_n(to, layout.get_size(), std::int8_t{0});
        const float *from = folded.weights.data();
        for (std::size_t n = 0; n < static_cast<std::size_t>(spec_.channels); ++n)
            for (int c = 0; c < in_.channels; ++c)
                for (int y = 0; y < spec_.kernel_height; ++y)
                    for (int x = 0; x < spec_.kernel_width; ++x) {
                        const std::size_t at = static_cast<std::size_t>(x) * in_.channels + c;
                        to[n / byte_panel * panel_bytes() + (y * run_ + at / quad * quad) * byte_panel +
                           n % byte_panel * quad + at % quad] = static_cast<std::int8_t>(*from++);
                    }
        return packed;
    });
}

void ByteConvStage::begin()
{
    output_.begin(spec_, out_);
    moments_.begin(static_cast<double>(out_.height) * out_.width * out_.channels);
}

Rows ByteConvStage::needs(std::size_t, Rows out) const
{
    return {spec_.skip + out.begin * spec_.stride,
            spec_.skip + (out.end - 1) * spec_.stride + spec_.kernel_height};
}

void ByteConvStage::prepare(int)
{
    threads_ = omp_get_max_threads();
}

/// Of a thread: the input of the last pixel of a row, where a row of taps is no whole number of quads.
std::size_t ByteConvStage::scratch_bytes() const
{
    return run_ > row_bytes() ? threads_ * rounded_up(spec_.kernel_height * run_, 64) : 0;
}

std::size_t ByteConvStage::held_bytes() const
{
    return output_.held_bytes();
}

void ByteConvStage::run(Rows rows)
{
    moments_.start(threads_);
    each_pixel_block(rows, out_.width, block_pixels, threads_,
                     [this](int y, int x, int pixels, int thread) { convolve(y, x, pixels, thread); });
    moments_.finish();
    out_.fill_borders(rows.begin, rows.end);
}

void ByteConvStage::convolve(int y, int x, int pixels, int thread)
{
    const std::byte *from = in_.bordered_row(spec_.skip + y * spec_.stride) +
                            (spec_.skip_columns + x * spec_.stride) * in_.pixel_bytes();
    std::byte *to = out_.row(y) + x * out_.pixel_bytes();
    ByteConv conv;
    conv.in = reinterpret_cast<const std::uint8_t *>(from);
    conv.in_pixel = spec_.stride * in_.pixel_bytes();
    conv.in_row = in_.row_bytes();
    conv.pixels = pixels;
    conv.sums = spec_.moments ? moments_.of(thread) : nullptr;
    const bool last = run_ > row_bytes() && x + pixels == out_.width;
    if (last)
        --conv.pixels;
    convolve(conv, to);
    if (!last)
        return;
    // The kernel reads whole quads, and behind the last pixel there may be no memory.
    std::byte *edge = scratch + thread * rounded_up(spec_.kernel_height * run_, 64);
    for (int r = 0; r < spec_.kernel_height; ++r) {
        std::copy_n(from + conv.pixels * conv.in_pixel + r * conv.in_row, row_bytes(), edge + r * run_);
        std::fill_n(edge + r * run_ + row_bytes(), run_ - row_bytes(), std::byte{0});
    }
    to += conv.pixels * out_.pixel_bytes();
    conv.in = reinterpret_cast<const std::uint8_t *>(edge);
    conv.in_row = run_;
    conv.pixels = 1;
    convolve(conv, to);
}

void ByteConvStage::convolve(ByteConv pixels, std::byte *out)
{
    const auto kernel = out_.type == Type::f32    ? kernels_.byte_conv_f32
                        : out_.type == Type::bf16 ? kernels_.byte_conv_bf16
                                                  : kernels_.byte_conv_bytes;
    pixels.rows = spec_.kernel_height;
    pixels.run = run_;
    pixels.quads = quads_;
    pixels.slope = spec_.slope.value_or(1.0F);
    pixels.zero = out_.quant ? out_.quant->zero[0] : 0.0F;
    pixels.out_pixel = out_.channels;
    const auto *weights = static_cast<const std::int8_t *>(weights_.get_data_handle());
    for (int channel = 0; channel < spec_.channels; channel += byte_panel) {
        pixels.weights = weights + channel / byte_panel * panel_bytes();
        pixels.scale = output_.scale.data() + channel;
        pixels.shift = output_.shift.data() + channel;
        pixels.channels = std::min(byte_panel, spec_.channels - channel);
        pixels.out = out + channel * size_of(out_.type);
        kernel(pixels);
    }
}

std::string ByteConvStage::describe() const
{
    std::string text =
        std::to_string(spec_.kernel_height) + "x" + std::to_string(spec_.kernel_width) + " conv";
    if (spec_.stride > 1)
        text += " /" + std::to_string(spec_.stride);
    text += spec_.on_the_way();
    if (spec_.moments)
        text += " + moments";
    return text + ", " + std::to_string(2 * quads_) + " products in 16 bits:" + kernels_.isa;
}

} // namespace anime::onednn
