// SPDX-License-Identifier: LGPL-2.1-or-later
// Products of bytes that are added in 16 bits, part of kernels_impl.cpp and under its rules. On CPUs without
// VNNI a product costs an instruction for 32 bytes, and widening what it leaves two more; with the sums of
// four in between, 19 instructions do what 24 did, and all three ports of an Intel core are busy with them.
#pragma once

#include "models/executors/onednn/kernels/kernels.h"
#include "models/executors/onednn/kernels/lanes.h"

namespace anime::onednn
{

namespace
{

constexpr int byte_vectors = byte_panel / Register::lanes;
/// Of pixels at once: with two registers a panel 8 of 16 are sums, with one 8 of 32.
constexpr int byte_block_pixels = Register::lanes == 16 ? 8 : Register::lanes == 8 ? 4 : 1;

/// `quads` quads of each pixel, from `in` and `weights` on.
template <int quads, int pixels>
inline void add_quads(const std::uint8_t *in, std::size_t pixel, const std::int8_t *weights,
                      Register::Sums (&sums)[pixels][byte_vectors])
{
    constexpr std::size_t register_bytes = 4 * Register::lanes;
#pragma GCC unroll 16
    for (int p = 0; p < pixels; ++p) {
        Register::Pairs added[byte_vectors];
#pragma GCC unroll 16
        for (int q = 0; q < quads; ++q) {
            const Register::Quads bytes = Register::same(in + p * pixel + 4 * q);
#pragma GCC unroll 16
            for (int v = 0; v < byte_vectors; ++v) {
                const Register::Pairs made = Register::products(
                    bytes, Register::load(weights + q * 4 * byte_panel + v * register_bytes));
                added[v] = q == 0 ? made : Register::add(added[v], made);
            }
        }
#pragma GCC unroll 16
        for (int v = 0; v < byte_vectors; ++v)
            sums[p][v] = Register::add_pair(sums[p][v], added[v]);
    }
}

template <int pixels, typename T, bool summed>
inline void byte_conv_pixels(const ByteConv &conv, std::size_t first, RunningSums<> &running)
{
    Register::Sums sums[pixels][byte_vectors] = {};
    const std::int8_t *weights = conv.weights;
    for (std::size_t row = 0; row < conv.rows; ++row) {
        const std::uint8_t *in = conv.in + first * conv.in_pixel + row * conv.in_row;
        std::size_t k = 0;
        if (conv.quads == byte_quads) {
            for (; k + 4 * byte_quads <= conv.run; k += 4 * byte_quads)
                add_quads<byte_quads>(in + k, conv.in_pixel, weights + k * byte_panel, sums);
            for (; k + 8 <= conv.run; k += 8)
                add_quads<2>(in + k, conv.in_pixel, weights + k * byte_panel, sums);
        }
        for (; k < conv.run; k += 4)
            add_quads<1>(in + k, conv.in_pixel, weights + k * byte_panel, sums);
        weights += conv.run * byte_panel;
    }
    using Floats = Register::Floats;
    const Floats slope = Register::same(conv.slope);
    const Floats zero = Register::same(conv.zero);
    auto *out = static_cast<T *>(conv.out) + first * conv.out_pixel;
#pragma GCC unroll 16
    for (int p = 0; p < pixels; ++p)
#pragma GCC unroll 16
        for (int v = 0; v < byte_vectors; ++v) {
            const std::size_t c = v * Register::lanes;
            if (c >= conv.channels)
                break;
            Floats value = Register::floats(sums[p][v]) * Register::load(conv.scale + c) +
                           Register::load(conv.shift + c);
            // What a norm reads is neither activated nor a byte.
            if constexpr (summed)
                running.add(value);
            else
                value = Register::max(value, value * slope) + zero;
            store_some<Register>(value, out + p * conv.out_pixel + c, conv.channels - c);
        }
}

template <typename T, bool summed>
void byte_conv_panel(const ByteConv &conv)
{
    RunningSums<> running;
    std::size_t p = 0;
    for (; p + byte_block_pixels <= conv.pixels; p += byte_block_pixels)
        byte_conv_pixels<byte_block_pixels, T, summed>(conv, p, running);
    for (; p < conv.pixels; ++p)
        byte_conv_pixels<1, T, summed>(conv, p, running);
    if constexpr (summed)
        running.add_to(conv.sums);
}

template <typename T>
void byte_conv(const ByteConv &conv)
{
    if (conv.sums)
        byte_conv_panel<T, true>(conv);
    else
        byte_conv_panel<T, false>(conv);
}

} // namespace

} // namespace anime::onednn
