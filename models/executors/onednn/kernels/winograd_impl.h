// SPDX-License-Identifier: LGPL-2.1-or-later
// Winograd's transforms and products, part of kernels_impl.cpp and under its rules.
#pragma once

#include "models/executors/onednn/kernels/kernels.h"
#include "models/executors/onednn/kernels/lanes.h"
#include "models/executors/onednn/kernels/winograd.h"

namespace anime::onednn
{

namespace
{

using Lanes = Register::Floats;
constexpr std::size_t lanes = Register::lanes;
/// With two vectors of a panel each, 24 of 32 registers are sums; with four, 12 of 16.
constexpr int block_tiles = lanes == 16 ? 12 : lanes == 8 ? 3 : 1;

template <typename W>
constexpr W winograd_of{};

/// The terms of a sum whose factors are known: those with 0 cost nothing.
template <typename W>
inline void transform_input(const Lanes *in, Lanes *out)
{
    constexpr int last = W::side - 1;
    Lanes zero{};
    Lanes infinity{};
#pragma GCC unroll 16
    for (int k = 0; k <= last; ++k)
        if (k % 2 == 0)
            zero += static_cast<float>(winograd_of<W>.input[0][k]) * in[k];
        else
            infinity += static_cast<float>(winograd_of<W>.input[last][k]) * in[k];
    out[0] = zero;
    out[last] = infinity;
    // p and −p share the even powers, and the odd ones but for their sign.
#pragma GCC unroll 16
    for (int j = 1; j < last; j += 2) {
        Lanes even{};
        Lanes odd{};
#pragma GCC unroll 16
        for (int k = 1; k < last; ++k)
            if (k % 2 == 0)
                even += static_cast<float>(winograd_of<W>.input[j][k]) * in[k];
            else
                odd += static_cast<float>(winograd_of<W>.input[j][k]) * in[k];
        out[j] = even + odd;
        out[j + 1] = even - odd;
    }
}

template <typename W>
inline void transform_output(const Lanes *in, Lanes *out)
{
    constexpr int last = W::side - 1;
    Lanes sums[W::tile];
#pragma GCC unroll 16
    for (int i = 0; i < W::tile; ++i)
        sums[i] = i == 0 ? in[0] : Lanes{};
    sums[W::tile - 1] += in[last];
#pragma GCC unroll 16
    for (int j = 1; j < last; j += 2) {
        const Lanes both = in[j] + in[j + 1];
        const Lanes difference = in[j] - in[j + 1];
#pragma GCC unroll 16
        for (int i = 0; i < W::tile; ++i)
            sums[i] += static_cast<float>(winograd_of<W>.output[i][j]) * (i % 2 == 0 ? both : difference);
    }
#pragma GCC unroll 16
    for (int i = 0; i < W::tile; ++i)
        out[i] = sums[i];
}

template <typename W, typename T>
void winograd_input(const void *from, std::size_t row, std::size_t channels, float *out, std::size_t distance)
{
    const auto *pixels = static_cast<const T *>(from);
    for (std::size_t c = 0; c < channels; c += lanes) {
        Lanes between[W::side][W::side];
        for (int x = 0; x < W::side; ++x) {
            Lanes column[W::side];
#pragma GCC unroll 16
            for (int y = 0; y < W::side; ++y)
                column[y] = Register::load(pixels + y * row + x * channels + c);
            Lanes made[W::side];
            transform_input<W>(column, made);
#pragma GCC unroll 16
            for (int y = 0; y < W::side; ++y)
                between[y][x] = made[y];
        }
        for (int y = 0; y < W::side; ++y) {
            Lanes made[W::side];
            transform_input<W>(between[y], made);
#pragma GCC unroll 16
            for (int x = 0; x < W::side; ++x)
                Register::store(made[x], out + (y * W::side + x) * distance + c);
        }
    }
}

template <typename W, typename T, bool steered, bool summed>
void winograd_outputs(const WinogradOutput &tile)
{
    auto *pixels = static_cast<T *>(tile.pixels);
    RunningSums<> sums;
    for (std::size_t c = 0; c < tile.channels; c += lanes) {
        Lanes between[W::tile][W::side];
        for (int x = 0; x < W::side; ++x) {
            Lanes column[W::side];
#pragma GCC unroll 16
            for (int y = 0; y < W::side; ++y)
                column[y] = Register::load(tile.in + (y * W::side + x) * tile.distance + c);
            Lanes made[W::tile];
            transform_output<W>(column, made);
#pragma GCC unroll 16
            for (int y = 0; y < W::tile; ++y)
                between[y][x] = made[y];
        }
        const Lanes scale = steered ? Register::load(tile.scale + c) : Lanes{};
        const Lanes shift = tile.shift ? Register::load(tile.shift + c) : Lanes{};
        for (int y = 0; y < W::tile; ++y) {
            Lanes made[W::tile];
            transform_output<W>(between[y], made);
#pragma GCC unroll 16
            for (int x = 0; x < W::tile; ++x) {
                Lanes v = (steered ? made[x] * scale : made[x]) + shift;
                if constexpr (steered)
                    v = Register::max(v, v * Register::same(tile.slope));
                if constexpr (summed)
                    sums.add(v);
                Register::store(v, pixels + y * tile.row + x * tile.channels + c);
            }
        }
    }
    if constexpr (summed)
        sums.add_to(tile.sums);
}

template <typename W, typename T>
void winograd_output(const WinogradOutput &tile)
{
    // What is normalised is not activated before.
    if (tile.sums)
        winograd_outputs<W, T, false, true>(tile);
    else if (tile.scale)
        winograd_outputs<W, T, true, false>(tile);
    else
        winograd_outputs<W, T, false, false>(tile);
}

/// One panel of the weights, `width` output channels, for `tiles` tiles; the sums stay in registers.
template <int tiles, int width>
inline void multiply_block(const float *in, const float *panel, float *out, std::size_t in_channels,
                           std::size_t out_channels)
{
    constexpr int vectors = width / lanes;
    Lanes sums[tiles][vectors] = {};
    for (std::size_t c = 0; c < in_channels; ++c) {
        Lanes weights[vectors];
#pragma GCC unroll 16
        for (int v = 0; v < vectors; ++v)
            weights[v] = Register::load(panel + c * width + v * lanes);
#pragma GCC unroll 16
        for (int t = 0; t < tiles; ++t) {
            const Lanes value = Register::same(in[t * in_channels + c]);
#pragma GCC unroll 16
            for (int v = 0; v < vectors; ++v)
                sums[t][v] += value * weights[v];
        }
    }
#pragma GCC unroll 16
    for (int t = 0; t < tiles; ++t)
#pragma GCC unroll 16
        for (int v = 0; v < vectors; ++v)
            Register::store(sums[t][v], out + t * out_channels + v * lanes);
}

template <int width>
inline void multiply_panel(const float *in, const float *panel, float *out, std::size_t tiles,
                           std::size_t in_channels, std::size_t out_channels)
{
    constexpr int block =
        block_tiles * winograd_panel / width > 12 ? 12 : block_tiles * winograd_panel / width;
    std::size_t t = 0;
    for (; t + block <= tiles; t += block)
        multiply_block<block, width>(in + t * in_channels, panel, out + t * out_channels, in_channels,
                                     out_channels);
    for (; t < tiles; ++t)
        multiply_block<1, width>(in + t * in_channels, panel, out + t * out_channels, in_channels,
                                 out_channels);
}

void winograd_multiply(const float *in, const float *weights, float *out, std::size_t tiles,
                       std::size_t in_channels, std::size_t out_channels)
{
    constexpr int half = winograd_panel / 2;
    std::size_t n = 0;
    for (; n + winograd_panel <= out_channels; n += winograd_panel)
        multiply_panel<winograd_panel>(in, weights + n * in_channels, out + n, tiles, in_channels,
                                       out_channels);
    if (n < out_channels)
        multiply_panel<half>(in, weights + n * in_channels, out + n, tiles, in_channels, out_channels);
}

template <int tile, int taps, typename T>
constexpr WinogradTransforms winograd_transforms = {tile, taps, winograd_input<Winograd<tile, taps>, T>,
                                                    winograd_output<Winograd<tile, taps>, T>};

} // namespace

} // namespace anime::onednn
