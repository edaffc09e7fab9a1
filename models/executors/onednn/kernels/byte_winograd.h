// SPDX-License-Identifier: LGPL-2.1-or-later
// Winograd's F(4, 3) for bytes, in whole numbers. With the points 0, ±1, ±2 and infinity the input's
// transform is whole, and of 36 bytes less 128 it stays within ±12800: it fits 16 bits exactly. The weights
// are transformed in double and rounded to 16 bits, which for 48 channels is 68 dB below the output; the
// products are added in 32 bits. So a CPU whose products of bytes have to be added in 16 bits does a quarter
// of the multiplications, and loses less than by rounding the weights to bytes.
#pragma once

namespace anime::onednn
{

struct ByteWinogradMatrices {
    static constexpr int tile = 4;
    static constexpr int taps = 3;
    static constexpr int side = tile + taps - 1;
    static constexpr int positions = side * side;
    /// Of the bytes, so that they have a sign.
    static constexpr int middle = 128;

    static constexpr int input[side][side] = {{4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0},
                                              {0, 4, -4, -1, 1, 0}, {0, -2, -1, 2, 1, 0},
                                              {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};

    /// Lavin and Gray have these rows over 4, 6 and 24; multiplied by 4, 4, 4, 8, 8 and 1, as here, the
    /// transformed weights of all positions are about as large and 16 bits serve all as well.
    static constexpr double kernel[side][taps] = {{1, 0, 0},
                                                  {-2.0 / 3, -2.0 / 3, -2.0 / 3},
                                                  {-2.0 / 3, 2.0 / 3, -2.0 / 3},
                                                  {1.0 / 3, 2.0 / 3, 4.0 / 3},
                                                  {1.0 / 3, -2.0 / 3, 4.0 / 3},
                                                  {0, 0, 1}};

    /// Four times theirs, each column divided by what its row of `kernel` was multiplied with.
    static constexpr float output[tile][side] = {
        {1, 1, 1, 0.5F, 0.5F, 0}, {0, 1, -1, 1, -1, 0}, {0, 1, 1, 2, 2, 0}, {0, 1, -1, 4, -4, 4}};
    /// What the output, transformed in both directions, is too large by.
    static constexpr float gain = 16;

    /// The largest value at `position` that the transform makes of any bytes.
    static constexpr int largest_input(int position)
    {
        const auto sum = [](int row) {
            int total = 0;
            for (int v : input[row])
                total += v < 0 ? -v : v;
            return total;
        };
        return middle * sum(position / side) * sum(position % side);
    }

    /// The one position whose input does not vanish where the picture is flat, and what it makes of 1.
    static constexpr int flat_position = side + 1;
    static constexpr int flat_gain = 36;
};

} // namespace anime::onednn
