// SPDX-License-Identifier: LGPL-2.1-or-later
// Tiles in groups; of each group all positions of one panel of outputs after the other, so that a panel's
// sums stay in the first-level cache.
#include "models/executors/onednn/stages/byte_winograd_stage.h"

#include "models/executors/onednn/kernels/byte_winograd.h"
#include "models/executors/onednn/kernels/isa.h"
#include "models/executors/onednn/stages/byte_output.h"
#include "models/executors/onednn/stages/tile_groups.h"

#include <omp.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace anime::onednn
{

namespace
{

using Matrices = ByteWinogradMatrices;

/// A whole number of what any set of kernels multiplies at once; 24 are no faster.
constexpr int group_tiles = 12;
/// Output pixels: below, the weights are read for too few tiles.
constexpr int fewest_pixels = 16 * 16;
/// What the kernels may touch behind the values that they are asked for.
constexpr std::size_t spare = 16;

constexpr double largest_weight = std::numeric_limits<std::int16_t>::max();
constexpr double largest_sum = std::numeric_limits<std::int32_t>::max();

int panels(int channels)
{
    return (channels + byte_winograd_panel - 1) / byte_winograd_panel;
}

/// One kernel in all positions. Taps that it lacks are zeros.
std::array<double, Matrices::positions> transformed(const ConvSpec &spec, const float *kernel, double scale)
{
    std::array<double, Matrices::positions> out{};
    for (int y = 0; y < spec.kernel_height; ++y)
        for (int x = 0; x < spec.kernel_width; ++x)
            for (int p = 0; p < Matrices::positions; ++p)
                out[p] += Matrices::kernel[p / Matrices::side][spec.skip + y] *
                          Matrices::kernel[p % Matrices::side][spec.skip_columns + x] *
                          kernel[y * spec.kernel_width + x] * scale;
    return out;
}

/// The weights of one output channel, (input channels, positions), as whole numbers, and what one is worth.
struct Rounded {
    std::vector<double> weights;
    double unit = 1;
    double constant = 0; ///< what the output has where all bytes are 128
};

/// As large as 16 bits allow and as the sums of 32 bits do: no input makes them overflow. Where the picture
/// is flat the error of rounding is a constant, which is taken off at the mean of the input.
Rounded round_weights(const ConvSpec &spec, const Quant &quant, int output)
{
    const std::size_t channels = quant.scale.size();
    const std::size_t taps = static_cast<std::size_t>(spec.kernel_height) * spec.kernel_width;
    Rounded out;
    std::array<double, Matrices::positions> sums{};
    double unit = std::numeric_limits<double>::min();
    for (std::size_t c = 0; c < channels; ++c) {
        const float *kernel = spec.weights.data() + (output * channels + c) * taps;
        const auto exact = transformed(spec, kernel, quant.scale[c]);
        for (int p = 0; p < Matrices::positions; ++p) {
            unit = std::max(unit, std::fabs(exact[p]) / largest_weight);
            // Rounding makes a weight larger by half a unit at most.
            sums[p] += std::fabs(exact[p]);
            const double room =
                largest_sum / Matrices::largest_input(p) - 0.5 * static_cast<double>(channels);
            unit = std::max(unit, sums[p] / room);
        }
        for (std::size_t t = 0; t < taps; ++t)
            out.constant += kernel[t] * quant.scale[c] * (Matrices::middle - quant.zero[c]);
        out.weights.insert(out.weights.end(), exact.begin(), exact.end());
    }
    for (std::size_t c = 0; c < channels; ++c) {
        const double mean = spec.mean.empty() ? 0 : spec.mean[c] / quant.scale[c];
        double *weights = out.weights.data() + c * Matrices::positions;
        const double flat = weights[Matrices::flat_position];
        for (int p = 0; p < Matrices::positions; ++p)
            weights[p] = std::nearbyint(weights[p] / unit);
        out.constant -= (weights[Matrices::flat_position] * unit - flat) *
                        (mean + quant.zero[c] - Matrices::middle) * Matrices::flat_gain / Matrices::gain;
    }
    out.unit = unit;
    return out;
}

} // namespace

/// And where a thread keeps what lies between.
struct ByteWinogradStage::Group : TileGroup {
    std::int16_t *in = nullptr;
    std::int32_t *sums = nullptr; ///< of one panel
    std::byte *edge = nullptr;    ///< a tile that reaches out of the picture
    double *moments = nullptr;    ///< of this thread, or null
};

/// One convolution. Its vectors have as many values as its panels have channels.
struct ByteWinogradStage::Part {
    dnnl::memory weights; ///< (panels, positions, input channels / 2, panel, 2)
    ByteOutput output;
};

bool ByteWinogradStage::suits(const ConvSpec &spec, const Tensor &in, int height, int width)
{
    return isa().avx2 && in.type == Type::u8 && spec.paired && spec.kernel_height == Matrices::taps &&
           spec.kernel_width == Matrices::taps && spec.stride == 1 && spec.groups == 1 && !spec.tanh &&
           in.channels % 2 == 0 && height * width >= fewest_pixels;
}

ByteWinogradStage::ByteWinogradStage(std::string name, std::vector<ConvSpec> specs, Tensor &in,
                                     std::vector<Tensor *> outs, WeightCache &cache)
    : Stage(std::move(name), outs.front()->height), specs_(std::move(specs)), in_(in), kernels_(kernels())
{
    inputs = {&in};
    outputs = std::move(outs);
    for (std::size_t i = 0; i < specs_.size(); ++i)
        parts_.push_back(make_part(specs_[i], *outputs[i], cache));
    begin();
}

ByteWinogradStage::~ByteWinogradStage() = default;

ByteWinogradStage::Part ByteWinogradStage::make_part(ConvSpec &spec, const Tensor &out,
                                                     WeightCache &cache) const
{
    using dnnl::memory;
    Part part;
    const std::size_t padded = static_cast<std::size_t>(panels(spec.channels)) * byte_winograd_panel;
    const std::size_t of_panel =
        static_cast<std::size_t>(Matrices::positions) * in_.channels * byte_winograd_panel;
    part.output = ByteOutput(padded);
    std::vector<Rounded> rounded;
    for (int n = 0; n < spec.channels; ++n) {
        rounded.push_back(round_weights(spec, *in_.quant, n));
        const double bias = spec.bias.empty() ? 0 : spec.bias[n];
        part.output.unit[n] = static_cast<float>(rounded[n].unit / Matrices::gain);
        part.output.constant[n] = static_cast<float>(rounded[n].constant + bias);
    }
    const memory::desc layout(
        {static_cast<memory::dim>(panels(spec.channels) * of_panel * sizeof(std::int16_t))},
        memory::data_type::s8, memory::format_tag::x);
    part.weights = cache.get(spec.name + " winograd of bytes", layout, [&] {
        memory packed(layout, cpu());
        auto *to = static_cast<std::int16_t *>(packed.get_data_handle());
        std::fill_n(to, panels(spec.channels) * of_panel, std::int16_t{0});
        for (int n = 0; n < spec.channels; ++n)
            for (int c = 0; c < in_.channels; ++c)
                for (int p = 0; p < Matrices::positions; ++p)
                    to[n / byte_winograd_panel * of_panel +
                       (static_cast<std::size_t>(p) * in_.channels + c / 2 * 2) * byte_winograd_panel +
                       n % byte_winograd_panel * 2 + c % 2] =
                        static_cast<std::int16_t>(rounded[n].weights[c * Matrices::positions + p]);
        return packed;
    });
    spec.weights = {};
    return part;
}

void ByteWinogradStage::begin()
{
    for (std::size_t i = 0; i < parts_.size(); ++i)
        parts_[i].output.begin(specs_[i], *outputs[i]);
    double count = 0;
    for (const Tensor *out : outputs)
        count += static_cast<double>(out->height) * out->width * out->channels;
    moments_.begin(count);
}

Rows ByteWinogradStage::needs(std::size_t, Rows out) const
{
    return {out.begin, out.end - 1 + Matrices::taps};
}

int ByteWinogradStage::row_step() const
{
    return Matrices::tile;
}

void ByteWinogradStage::prepare(int)
{
    threads_ = omp_get_max_threads();
}

std::size_t ByteWinogradStage::position_values() const
{
    return rounded_up(static_cast<std::size_t>(group_tiles) * in_.channels + spare, spare);
}

/// Of a thread: a group's tiles transformed, the sums of a panel, and a tile at the edge, of bytes before it
/// is transformed and of at most four bytes a value at the end.
std::size_t ByteWinogradStage::thread_bytes() const
{
    constexpr std::size_t outs = Matrices::tile * Matrices::tile * byte_winograd_panel * sizeof(float);
    const std::size_t edge =
        std::max(Matrices::positions * static_cast<std::size_t>(in_.channels) + spare, outs);
    return rounded_up(Matrices::positions * (position_values() * sizeof(std::int16_t) +
                                             group_tiles * byte_winograd_panel * sizeof(std::int32_t)) +
                          edge,
                      64);
}

std::size_t ByteWinogradStage::scratch_bytes() const
{
    return threads_ * thread_bytes();
}

std::size_t ByteWinogradStage::held_bytes() const
{
    std::size_t sum = 0;
    for (const Part &part : parts_)
        sum += part.output.held_bytes();
    return sum;
}

void ByteWinogradStage::run(Rows rows)
{
    moments_.start(threads_);
    each_tile_group(rows, outputs[0]->width, Matrices::tile, {group_tiles, kernels_.byte_winograd.tiles},
                    threads_, [this](const TileGroup &tiles, int thread) {
                        std::byte *room = scratch + thread * thread_bytes();
                        auto *in = reinterpret_cast<std::int16_t *>(room);
                        auto *sums =
                            reinterpret_cast<std::int32_t *>(in + Matrices::positions * position_values());
                        const Group group{tiles, in, sums,
                                          reinterpret_cast<std::byte *>(
                                              sums + Matrices::positions * group_tiles * byte_winograd_panel),
                                          specs_.front().moments ? moments_.of(thread) : nullptr};
                        transform_input(group);
                        for (std::size_t part = 0; part < parts_.size(); ++part)
                            convolve(group, part);
                    });
    moments_.finish();
    for (const Tensor *out : outputs)
        out->fill_borders(rows.begin, rows.end);
}

void ByteWinogradStage::transform_input(const Group &group) const
{
    const auto channels = static_cast<std::size_t>(in_.channels);
    for (int t = 0; t < group.count; ++t) {
        const int columns = std::min(Matrices::side, in_.bordered_width() - group.x(t));
        const int rows = std::min(Matrices::side, group.rows.end - 1 + Matrices::taps - group.y(t));
        std::int16_t *to = group.in + t * channels;
        const std::byte *from = in_.bordered_row(group.y(t)) + group.x(t) * in_.pixel_bytes();
        std::size_t row = in_.row_bytes();
        // The kernel reads a little behind the last pixel, behind which there may be no memory.
        const bool last =
            channels % spare > 0 && columns == Matrices::side && group.x(t) + columns == in_.bordered_width();
        if (columns < Matrices::side || rows < Matrices::side || last) {
            row = Matrices::side * channels;
            std::fill_n(group.edge, Matrices::side * row, std::byte{0});
            for (int r = 0; r < rows; ++r)
                std::copy_n(from + r * in_.row_bytes(), columns * channels, group.edge + r * row);
            from = group.edge;
        }
        kernels_.byte_winograd.input(reinterpret_cast<const std::uint8_t *>(from), row, channels, to,
                                     position_values());
    }
}

void ByteWinogradStage::convolve(const Group &group, std::size_t i) const
{
    const Part &part = parts_[i];
    const auto *weights = static_cast<const std::int16_t *>(part.weights.get_data_handle());
    const std::size_t of_position = static_cast<std::size_t>(in_.channels) * byte_winograd_panel;
    const std::size_t sums = static_cast<std::size_t>(group.count) * byte_winograd_panel;
    for (int channel = 0; channel < specs_[i].channels; channel += byte_winograd_panel) {
        for (int p = 0; p < Matrices::positions; ++p) {
            std::int32_t *out = group.sums + p * sums;
            if (lacks_position(specs_[i], p, Matrices::side))
                std::fill_n(out, sums, 0);
            else
                kernels_.byte_winograd.multiply(group.in + p * position_values(), weights, out, group.count,
                                                in_.channels);
            weights += of_position;
        }
        transform_output(group, i, channel);
    }
}

void ByteWinogradStage::transform_output(const Group &group, std::size_t i, int channel) const
{
    const Part &part = parts_[i];
    const Tensor &out = *outputs[i];
    const ByteWinograd &kernels = kernels_.byte_winograd;
    const auto transform = out.type == Type::f32    ? kernels.output_f32
                           : out.type == Type::bf16 ? kernels.output_bf16
                                                    : kernels.output_bytes;
    ByteWinogradOutput tile;
    tile.distance = static_cast<std::size_t>(group.count) * byte_winograd_panel;
    tile.scale = part.output.scale.data() + channel;
    tile.shift = part.output.shift.data() + channel;
    tile.slope = specs_[i].slope.value_or(1.0F);
    tile.zero = out.quant ? out.quant->zero[0] : 0.0F;
    tile.channels = std::min(byte_winograd_panel, out.channels - channel);
    const std::size_t bytes = tile.channels * size_of(out.type);
    for (int t = 0; t < group.count; ++t) {
        const int columns = std::min(Matrices::tile, out.width - group.x(t));
        const int rows = std::min(Matrices::tile, group.rows.end - group.y(t));
        std::byte *to = out.row(group.y(t)) + group.x(t) * out.pixel_bytes() + channel * size_of(out.type);
        const bool whole = columns == Matrices::tile && rows == Matrices::tile;
        tile.in = group.sums + t * byte_winograd_panel;
        tile.sums = whole ? group.moments : nullptr;
        tile.pixels = whole ? to : group.edge;
        tile.pixel = whole ? out.channels : tile.channels;
        tile.row = whole ? static_cast<std::size_t>(out.bordered_width()) * out.channels
                         : Matrices::tile * tile.channels;
        transform(tile);
        if (whole)
            continue;
        for (int r = 0; r < rows; ++r)
            for (int c = 0; c < columns; ++c)
                std::copy_n(group.edge + (r * Matrices::tile + c) * bytes, bytes,
                            to + r * out.row_bytes() + c * out.pixel_bytes());
        if (group.moments)
            for (int r = 0; r < rows; ++r)
                add_moments(kernels_, out.type, group.edge + r * Matrices::tile * bytes,
                            columns * tile.channels, group.moments);
    }
}

std::string ByteWinogradStage::describe() const
{
    const ConvSpec &spec = specs_.front();
    std::string text = specs_.size() > 1 ? std::to_string(specs_.size()) + " phases of 3x3 conv" : "3x3 conv";
    text += spec.on_the_way();
    if (spec.moments)
        text += " + moments";
    return text + ", winograd F(4, 3) of bytes:" + kernels_.isa;
}

double ByteWinogradStage::gmac() const
{
    double sum = 0;
    for (std::size_t i = 0; i < specs_.size(); ++i)
        sum += specs_[i].gmac(in_, *outputs[i]);
    return sum;
}

} // namespace anime::onednn
