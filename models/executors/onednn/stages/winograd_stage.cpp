// SPDX-License-Identifier: LGPL-2.1-or-later
// Winograd convolution: tiles in groups, groups divided among the threads.
#include "models/executors/onednn/stages/winograd_stage.h"

#include "models/executors/onednn/kernels/isa.h"
#include "models/executors/onednn/kernels/winograd.h"
#include "models/executors/onednn/stages/tile_groups.h"

#include <omp.h>

#include <algorithm>

namespace anime::onednn
{

namespace
{

/// What a kernel multiplies at once. More would use each weight more often, but what lies between would leave
/// the second-level cache: with 48, stages take 5 to 25 % longer.
constexpr int group_tiles = 12;

/// Output pixels, with 3 × 3 taps. The transformed weights, four times as many as plain ones, have to be read
/// often enough: in float32 every stage of AnimeGANv2 is faster than oneDNN's direct convolution at 16 × 16
/// pixels (1.3 times to 4.9), all are slower at 8 × 8. Direct ones of bf16 are twice as fast: every stage is
/// faster than they at 32 × 32 (1.03 times to 1.4), none at 16 × 16.
constexpr int fewest_pixels = 16 * 16;
constexpr int fewest_pixels_bf16 = 32 * 32;

/// What the transforms do at once, and half a panel.
constexpr int channel_step = winograd_panel / 2;

/// Panels of weights leave no rest. Without AVX2 there are no kernels worth the name.
bool possible(int taps, int stride, int groups, int in_channels, int out_channels)
{
    return isa().avx2 && (taps == 3 || taps == 7) && stride == 1 && groups == 1 &&
           in_channels % channel_step == 0 && out_channels % channel_step == 0;
}

/// All multiplications are in float32. Direct convolutions of bf16 and bytes in tiles of a matrix (AMX) are
/// an order of magnitude faster.
bool outdone_by_amx(Type type)
{
    return isa().amx && type != Type::f32;
}

/// u = G · g · Gᵀ in double, for position (i, j) of each kernel g.
template <typename W>
void transform_kernel(const double *kernel, double *out)
{
    static constexpr W winograd{};
    double half[W::side][W::taps] = {};
    for (int i = 0; i < W::side; ++i)
        for (int y = 0; y < W::taps; ++y)
            for (int x = 0; x < W::taps; ++x)
                half[i][x] += winograd.kernel[i][y] * kernel[y * W::taps + x];
    for (int i = 0; i < W::side; ++i)
        for (int j = 0; j < W::side; ++j) {
            double sum = 0;
            for (int x = 0; x < W::taps; ++x)
                sum += winograd.kernel[j][x] * half[i][x];
            out[i * W::side + j] = sum;
        }
}

auto kernel_transform(int tile, int taps)
{
    if (taps == 3)
        return transform_kernel<Winograd<4, 3>>;
    return tile == 4 ? transform_kernel<Winograd<4, 7>> : transform_kernel<Winograd<8, 7>>;
}

/// `rough`: float32 stands for bf16, beside convolutions of bytes on CPUs that have none.
const WinogradTransforms &transforms_for(int taps, Type type, bool rough)
{
    const Kernels &k = kernels();
    if (type == Type::f32)
        return taps == 3 ? k.winograd_3_f32 : rough ? k.winograd_7_rough : k.winograd_7_f32;
    return taps == 3 ? k.winograd_3_bf16 : k.winograd_7_bf16;
}

int most_taps(const std::vector<ConvSpec> &specs)
{
    int taps = 0;
    for (const ConvSpec &spec : specs)
        taps = std::max({taps, spec.kernel_height, spec.kernel_width});
    return taps;
}

} // namespace

/// And where a thread keeps what lies between.
struct WinogradStage::Group : TileGroup {
    float *in = nullptr;
    float *out = nullptr;
    std::byte *edge = nullptr; ///< a tile that reaches out of the picture
    double *moments = nullptr; ///< of this thread, or null
};

bool WinogradStage::suits(const ConvSpec &spec, const Tensor &in, int height, int width)
{
    if (in.type == Type::u8 || outdone_by_amx(in.type) || spec.kernel_height != spec.kernel_width ||
        !possible(spec.kernel_height, spec.stride, spec.groups, in.channels, spec.channels))
        return false;
    return spec.kernel_height == 7 ||
           height * width >= (in.type == Type::f32 ? fewest_pixels : fewest_pixels_bf16);
}

bool WinogradStage::beats_bytes(const Node &conv)
{
    return conv.kernel == 7 && !outdone_by_amx(Type::bf16) &&
           possible(conv.kernel, conv.stride, conv.groups, static_cast<int>(conv.weight->shape[1]),
                    conv.channels);
}

WinogradStage::WinogradStage(std::string name, std::vector<ConvSpec> specs, Tensor &in,
                             std::vector<Tensor *> outs, WeightCache &cache)
    : Stage(std::move(name), outs.front()->height), specs_(std::move(specs)), in_(in),
      taps_(most_taps(specs_)), kernels_(kernels()),
      transforms_(transforms_for(taps_, in.type, specs_.front().paired)), tile_(transforms_.tile)
{
    inputs = {&in};
    outputs = std::move(outs);
    for (ConvSpec &spec : specs_) {
        most_channels_ = std::max(most_channels_, spec.channels);
        weights_.push_back(pack(spec, cache));
        spec.weights = {};
        const bool steered = spec.modulation || spec.slope;
        scales_.emplace_back(steered ? spec.channels : 0, 1.0F);
        shifts_.push_back(spec.bias);
        if (steered)
            shifts_.back().resize(spec.channels, 0.0F);
    }
}

void WinogradStage::begin()
{
    for (std::size_t i = 0; i < specs_.size(); ++i) {
        const ConvSpec &spec = specs_[i];
        if (!spec.modulation)
            continue;
        const float *v = spec.modulation->data() + spec.offset;
        for (int n = 0; n < spec.channels; ++n) {
            scales_[i][n] = 1.0F + v[n];
            shifts_[i][n] = (spec.bias.empty() ? 0 : spec.bias[n]) * scales_[i][n] + v[spec.channels + n];
        }
    }
    double count = 0;
    for (const Tensor *out : outputs)
        count += static_cast<double>(out->height) * out->width * out->channels;
    moments_.begin(count);
}

dnnl::memory WinogradStage::pack(const ConvSpec &spec, WeightCache &cache) const
{
    using dnnl::memory;
    const std::size_t kernels = static_cast<std::size_t>(spec.channels) * in_.channels;
    const memory::desc layout({static_cast<memory::dim>(kernels * positions())}, memory::data_type::f32,
                              memory::format_tag::x);
    return cache.get(spec.name + " winograd", layout, [&] {
        memory packed(layout, cpu());
        auto *to = static_cast<float *>(packed.get_data_handle());
        const auto transform = kernel_transform(tile_, taps_);
        std::vector<double> kernel(taps_ * taps_);
        std::vector<double> transformed(positions());
        for (int n = 0; n < spec.channels; ++n)
            for (int c = 0; c < in_.channels; ++c) {
                const float *from = spec.weights.data() + (static_cast<std::size_t>(n) * in_.channels + c) *
                                                              spec.kernel_height * spec.kernel_width;
                std::fill(kernel.begin(), kernel.end(), 0.0);
                for (int y = 0; y < spec.kernel_height; ++y)
                    for (int x = 0; x < spec.kernel_width; ++x)
                        kernel[(spec.skip + y) * taps_ + spec.skip_columns + x] =
                            from[y * spec.kernel_width + x];
                transform(kernel.data(), transformed.data());
                const int panel = n / winograd_panel * winograd_panel;
                const int width = std::min(winograd_panel, spec.channels - panel);
                const std::size_t at = static_cast<std::size_t>(panel) * in_.channels + c * width + n - panel;
                for (int p = 0; p < positions(); ++p)
                    to[p * kernels + at] = static_cast<float>(transformed[p]);
            }
        return packed;
    });
}

Rows WinogradStage::needs(std::size_t, Rows out) const
{
    return {out.begin, out.end - 1 + taps_};
}

void WinogradStage::prepare(int)
{
    threads_ = omp_get_max_threads();
}

/// Of a thread: a group's tiles before and after the multiplication, and one tile at the edge.
std::size_t WinogradStage::scratch_floats() const
{
    const std::size_t of_tile = static_cast<std::size_t>(positions()) * (in_.channels + most_channels_);
    return of_tile * (group_tiles + 1);
}

std::size_t WinogradStage::scratch_bytes() const
{
    return threads_ * scratch_floats() * sizeof(float);
}

void WinogradStage::run(Rows rows)
{
    moments_.start(threads_);
    each_tile_group(rows, outputs[0]->width, tile_, {group_tiles, kernels_.winograd_tiles}, threads_,
                    [this](const TileGroup &tiles, int thread) {
                        const std::size_t of_group = static_cast<std::size_t>(positions()) * group_tiles;
                        float *room = reinterpret_cast<float *>(scratch) + thread * scratch_floats();
                        float *products = room + of_group * in_.channels;
                        convolve({tiles, room, products,
                                  reinterpret_cast<std::byte *>(products + of_group * most_channels_),
                                  specs_.front().moments ? moments_.of(thread) : nullptr});
                    });
    moments_.finish();
    for (const Tensor *out : outputs)
        out->fill_borders(rows.begin, rows.end);
}

void WinogradStage::convolve(const Group &group) const
{
    transform_input(group);
    for (std::size_t part = 0; part < specs_.size(); ++part) {
        const int channels = specs_[part].channels;
        const auto *weights = static_cast<const float *>(weights_[part].get_data_handle());
        for (std::size_t p = 0; p < static_cast<std::size_t>(positions()); ++p) {
            float *out = group.out + p * group_tiles * channels;
            if (lacks_position(specs_[part], static_cast<int>(p), side()))
                std::fill_n(out, group.count * channels, 0.0F);
            else
                kernels_.winograd_multiply(group.in + p * group_tiles * in_.channels,
                                           weights + p * in_.channels * channels, out, group.count,
                                           in_.channels, channels);
        }
        transform_output(group, part);
    }
}

void WinogradStage::transform_input(const Group &group) const
{
    const auto channels = static_cast<std::size_t>(in_.channels);
    const std::size_t row = in_.bordered_width() * channels;
    for (int t = 0; t < group.count; ++t) {
        const int x = group.x(t);
        const int y = group.y(t);
        const int columns = std::min(side(), in_.bordered_width() - x);
        const int rows = std::min(side(), group.rows.end - 1 + taps_ - y);
        float *to = group.in + t * channels;
        const std::byte *from = in_.bordered_row(y) + x * in_.pixel_bytes();
        if (columns == side() && rows == side()) {
            transforms_.input(from, row, channels, to, group_tiles * channels);
            continue;
        }
        // What lies outside must be a number, and no output that is kept depends on it.
        const std::size_t edge_row = side() * in_.pixel_bytes();
        std::fill_n(group.edge, side() * edge_row, std::byte{0});
        for (int r = 0; r < rows; ++r)
            std::copy_n(from + r * in_.row_bytes(), columns * in_.pixel_bytes(), group.edge + r * edge_row);
        transforms_.input(group.edge, side() * channels, channels, to, group_tiles * channels);
    }
}

void WinogradStage::transform_output(const Group &group, std::size_t part) const
{
    const Tensor &out = *outputs[part];
    const auto channels = static_cast<std::size_t>(out.channels);
    WinogradOutput tile;
    tile.distance = group_tiles * channels;
    tile.scale = scales_[part].empty() ? nullptr : scales_[part].data();
    tile.shift = shifts_[part].empty() ? nullptr : shifts_[part].data();
    tile.slope = specs_[part].slope.value_or(1.0F);
    tile.channels = channels;
    for (int t = 0; t < group.count; ++t) {
        const int x = group.x(t);
        const int y = group.y(t);
        const int columns = std::min(tile_, out.width - x);
        const int rows = std::min(tile_, group.rows.end - y);
        tile.in = group.out + t * channels;
        std::byte *to = out.row(y) + x * out.pixel_bytes();
        const bool whole = columns == tile_ && rows == tile_;
        tile.pixels = whole ? to : group.edge;
        tile.sums = whole ? group.moments : nullptr;
        tile.row = (whole ? out.bordered_width() : tile_) * channels;
        transforms_.output(tile);
        if (whole)
            continue;
        for (int r = 0; r < rows; ++r)
            std::copy_n(group.edge + r * tile_ * out.pixel_bytes(), columns * out.pixel_bytes(),
                        to + r * out.row_bytes());
        if (group.moments)
            for (int r = 0; r < rows; ++r)
                add_moments(kernels_, out.type, group.edge + r * tile_ * out.pixel_bytes(),
                            columns * channels, group.moments);
    }
}

std::string WinogradStage::describe() const
{
    const std::string taps = std::to_string(taps_);
    std::string text = taps + "x" + taps + " conv";
    if (specs_.size() > 1)
        text = std::to_string(specs_.size()) + " phases of " + text;
    text += specs_.front().on_the_way();
    if (specs_.front().moments)
        text += " + moments";
    return text + ", winograd F(" + std::to_string(tile_) + ", " + taps + "):" + kernels_.isa;
}

double WinogradStage::gmac() const
{
    double sum = 0;
    for (std::size_t part = 0; part < specs_.size(); ++part)
        sum += specs_[part].gmac(in_, *outputs[part]);
    return sum;
}

} // namespace anime::onednn
