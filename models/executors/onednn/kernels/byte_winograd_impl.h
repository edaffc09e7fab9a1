// SPDX-License-Identifier: LGPL-2.1-or-later
// Winograd's transforms and products of bytes, part of kernels_impl.cpp and under its rules.
#pragma once

#include "models/executors/onednn/kernels/byte_winograd.h"
#include "models/executors/onednn/kernels/kernels.h"
#include "models/executors/onednn/kernels/lanes.h"

namespace anime::onednn
{

namespace
{

/// Sixteen numbers of 16 bits; the compiler knows what to make of them where registers are shorter.
using Words = std::int16_t __attribute__((vector_size(32)));
using Bytes = std::uint8_t __attribute__((vector_size(16)));
constexpr std::size_t words = 16;

/// ByteWinogradMatrices::input times a column of the tile.
inline void transform_bytes(const Words *in, Words *out)
{
    const Words even = in[4] - 4 * in[2];
    const Words odd = in[3] - 4 * in[1];
    const Words near = in[4] - in[2];
    const Words far = 2 * (in[3] - in[1]);
    out[0] = 4 * (in[0] - in[2]) + near;
    out[1] = even + odd;
    out[2] = even - odd;
    out[3] = near + far;
    out[4] = near - far;
    out[5] = 4 * (in[1] - in[3]) + in[5] - in[3];
}

void byte_winograd_input(const std::uint8_t *pixels, std::size_t row, std::size_t channels, std::int16_t *out,
                         std::size_t distance)
{
    constexpr int side = ByteWinogradMatrices::side;
    for (std::size_t c = 0; c < channels; c += words) {
        Words between[side][side];
        for (int x = 0; x < side; ++x) {
            Words column[side];
#pragma GCC unroll 16
            for (int y = 0; y < side; ++y) {
                Bytes bytes;
                __builtin_memcpy(&bytes, pixels + y * row + x * channels + c, sizeof bytes);
                column[y] = __builtin_convertvector(bytes, Words) - ByteWinogradMatrices::middle;
            }
            Words made[side];
            transform_bytes(column, made);
#pragma GCC unroll 16
            for (int y = 0; y < side; ++y)
                between[y][x] = made[y];
        }
        for (int y = 0; y < side; ++y) {
            Words made[side];
            transform_bytes(between[y], made);
#pragma GCC unroll 16
            for (int x = 0; x < side; ++x)
                __builtin_memcpy(out + (y * side + x) * distance + c, &made[x], sizeof made[x]);
        }
    }
}

/// Of tiles at once: with two registers a panel 12 of 16 are sums, with one 16 of 32.
constexpr int byte_block_tiles = Register::lanes == 16 ? 12 : Register::lanes == 8 ? 6 : 1;

template <int tiles>
inline void multiply_bytes(const std::int16_t *in, const std::int16_t *weights, std::int32_t *out,
                           std::size_t channels)
{
    constexpr std::size_t lanes = Register::lanes;
    constexpr int vectors = byte_winograd_panel / lanes;
    Register::Sums sums[tiles][vectors] = {};
    for (std::size_t c = 0; c < channels; c += 2) {
        Register::Pairs panel[vectors];
#pragma GCC unroll 16
        for (int v = 0; v < vectors; ++v)
            panel[v] = Register::load(weights + c * byte_winograd_panel + 2 * v * lanes);
#pragma GCC unroll 16
        for (int t = 0; t < tiles; ++t) {
            const Register::Pairs value = Register::same(in + t * channels + c);
#pragma GCC unroll 16
            for (int v = 0; v < vectors; ++v)
                sums[t][v] = Register::add_products(sums[t][v], value, panel[v]);
        }
    }
#pragma GCC unroll 16
    for (int t = 0; t < tiles; ++t)
#pragma GCC unroll 16
        for (int v = 0; v < vectors; ++v)
            Register::store(sums[t][v], out + t * byte_winograd_panel + v * lanes);
}

void byte_winograd_multiply(const std::int16_t *in, const std::int16_t *weights, std::int32_t *out,
                            std::size_t tiles, std::size_t channels)
{
    std::size_t t = 0;
    for (; t + byte_block_tiles <= tiles; t += byte_block_tiles)
        multiply_bytes<byte_block_tiles>(in + t * channels, weights, out + t * byte_winograd_panel, channels);
    for (; t < tiles; ++t)
        multiply_bytes<1>(in + t * channels, weights, out + t * byte_winograd_panel, channels);
}

/// ByteWinogradMatrices::output times a column of sums.
template <typename Lanes>
inline void transform_sums(const Lanes *in, Lanes *out)
{
    const Lanes near = in[1] + in[2];
    const Lanes near_difference = in[1] - in[2];
    const Lanes far = in[3] + in[4];
    const Lanes far_difference = in[3] - in[4];
    out[0] = in[0] + near + 0.5F * far;
    out[1] = near_difference + far_difference;
    out[2] = near + 2.0F * far;
    out[3] = near_difference + 4.0F * (far_difference + in[5]);
}

template <typename T, bool summed>
void byte_winograd_outputs(const ByteWinogradOutput &tile)
{
    using Floats = Register::Floats;
    constexpr int side = ByteWinogradMatrices::side;
    constexpr int outputs = ByteWinogradMatrices::tile;
    auto *pixels = static_cast<T *>(tile.pixels);
    RunningSums<> sums;
    for (std::size_t c = 0; c < tile.channels; c += Register::lanes) {
        Floats between[outputs][side];
        for (int x = 0; x < side; ++x) {
            Floats column[side];
#pragma GCC unroll 16
            for (int y = 0; y < side; ++y)
                column[y] = Register::floats(Register::load(tile.in + (y * side + x) * tile.distance + c));
            Floats made[outputs];
            transform_sums(column, made);
#pragma GCC unroll 16
            for (int y = 0; y < outputs; ++y)
                between[y][x] = made[y];
        }
        const Floats scale = Register::load(tile.scale + c);
        const Floats shift = Register::load(tile.shift + c);
        const Floats slope = Register::same(tile.slope);
        const Floats zero = Register::same(tile.zero);
        for (int y = 0; y < outputs; ++y) {
            Floats made[outputs];
            transform_sums(between[y], made);
#pragma GCC unroll 16
            for (int x = 0; x < outputs; ++x) {
                Floats v = made[x] * scale + shift;
                // What a norm reads is neither activated nor a byte.
                if constexpr (summed)
                    sums.add(v);
                else
                    v = Register::max(v, v * slope) + zero;
                store_some<Register>(v, pixels + y * tile.row + x * tile.pixel + c, tile.channels - c);
            }
        }
    }
    if constexpr (summed)
        sums.add_to(tile.sums);
}

template <typename T>
void byte_winograd_output(const ByteWinogradOutput &tile)
{
    if (tile.sums)
        byte_winograd_outputs<T, true>(tile);
    else
        byte_winograd_outputs<T, false>(tile);
}

} // namespace

} // namespace anime::onednn
