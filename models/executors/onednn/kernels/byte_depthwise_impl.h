// SPDX-License-Identifier: LGPL-2.1-or-later
// Depthwise convolutions of bytes, part of kernels_impl.cpp and under its rules. A column of bytes becomes
// floats once for the three pixels that it is a tap of, so that products in f32 cost no more than whole ones,
// and the weights need no rounding.
#pragma once

#include "models/executors/onednn/kernels/kernels.h"
#include "models/executors/onednn/kernels/lanes.h"

namespace anime::onednn
{

namespace
{

/// Channels from `first` on, as many as registers of the set hold; returns where it ended.
template <typename Set, typename T, bool summed>
inline std::size_t depthwise_channels(const ByteDepthwise &conv, std::size_t first)
{
    using Floats = typename Set::Floats;
    constexpr int taps = 3;
    const Floats slope = Set::same(conv.slope);
    const Floats zero = Set::same(conv.zero);
    RunningSums<Set> running;
    std::size_t c = first;
    for (; c + Set::lanes <= conv.channels; c += Set::lanes) {
        Floats weights[taps * taps];
#pragma GCC unroll 16
        for (int t = 0; t < taps * taps; ++t)
            weights[t] = Set::load(conv.weights + t * conv.channels + c);
        const Floats scale = Set::load(conv.scale + c);
        const Floats shift = Set::load(conv.shift + c);
        Floats columns[taps][taps]; // column, row
        const auto load = [&](std::size_t x, Floats *column) {
#pragma GCC unroll 16
            for (int y = 0; y < taps; ++y)
                column[y] = Set::load(conv.in + y * conv.in_row + x * conv.channels + c);
        };
        load(0, columns[0]);
        load(1, columns[1]);
        auto *out = static_cast<T *>(conv.out) + c;
        for (std::size_t p = 0; p < conv.pixels; ++p) {
            load(p + 2, columns[2]);
            Floats sums[taps];
#pragma GCC unroll 16
            for (int x = 0; x < taps; ++x)
                sums[x] = columns[x][0] * weights[x] + columns[x][1] * weights[taps + x] +
                          columns[x][2] * weights[2 * taps + x];
            Floats value = (sums[0] + sums[1] + sums[2]) * scale + shift;
            // What a norm reads is neither activated nor a byte.
            if constexpr (summed)
                running.add(value);
            else
                value = Set::max(value, value * slope) + zero;
            Set::store(value, out + p * conv.channels);
#pragma GCC unroll 16
            for (int y = 0; y < taps; ++y) {
                columns[0][y] = columns[1][y];
                columns[1][y] = columns[2][y];
            }
        }
    }
    if constexpr (summed)
        running.add_to(conv.sums);
    return c;
}

template <typename T>
void byte_depthwise(const ByteDepthwise &conv)
{
    if (conv.sums)
        depthwise_channels<Scalar, T, true>(conv, depthwise_channels<Register, T, true>(conv, 0));
    else
        depthwise_channels<Scalar, T, false>(conv, depthwise_channels<Register, T, false>(conv, 0));
}

} // namespace

} // namespace anime::onednn
