// SPDX-License-Identifier: LGPL-2.1-or-later
// Winograd's minimal filtering, as Toom and Cook build it: the values of a tile and of a kernel are taken as
// polynomials, known by their values at a few points and at infinity. A tile of `tile` × `tile` outputs of a
// convolution with `taps` × `taps` taps then costs one multiplication a position, (tile + taps − 1)² in all,
// in place of tile² · taps².
#pragma once

namespace anime::onednn
{

/// The points are 0, ±p for each p of `points`, and infinity. `pairs` of them: (tile + taps − 3) / 2 each.
template <int tile_, int taps_>
struct WinogradPoints;

template <int tile_, int taps_>
struct Winograd {
    static constexpr int tile = tile_;
    static constexpr int taps = taps_;
    static constexpr int side = tile + taps - 1; ///< of the tile's input
    static constexpr int pairs = (side - 2) / 2;
    static_assert(side % 2 == 0, "zero and infinity stand alone, the other points come in pairs");

    double input[side][side] = {};  ///< times a column of the tile's input
    double kernel[side][taps] = {}; ///< times a column of the kernel
    double output[tile][side] = {}; ///< times the products

    constexpr Winograd()
    {
        double points[side - 1] = {};
        for (int p = 0; p < pairs; ++p) {
            points[2 * p + 1] = WinogradPoints<tile, taps>::points[p];
            points[2 * p + 2] = -points[2 * p + 1];
        }
        for (int j = 0; j < side; ++j) {
            const bool infinity = j == side - 1;
            // The polynomial that is zero at all other finite points, lowest power first, and its value here.
            double value = 1;
            int powers = 1;
            input[j][0] = 1;
            for (int other = 0; other < side - 1; ++other) {
                if (other == j)
                    continue;
                value *= infinity ? 1 : points[j] - points[other];
                for (int k = powers++; k >= 0; --k)
                    input[j][k] = (k ? input[j][k - 1] : 0) - points[other] * input[j][k];
            }
            // A power of two moves from one side to the other, so that no value grows on the way.
            double largest = 0;
            for (double v : input[j])
                largest = v > largest ? v : -v > largest ? -v : largest;
            double scale = 1;
            while (largest * scale >= 2)
                scale /= 2;
            while (largest * scale < 1)
                scale *= 2;
            for (double &v : input[j])
                v *= scale;
            double power = 1 / (value * scale);
            for (int k = 0; k < taps; ++k) {
                kernel[j][k] = infinity ? (k == taps - 1) / scale : power;
                power *= infinity ? 1 : points[j];
            }
            power = 1;
            for (int i = 0; i < tile; ++i) {
                output[i][j] = infinity ? i == tile - 1 : power;
                power *= infinity ? 1 : points[j];
            }
        }
    }
};

// Searched among the sixteenths for the least error that rounding to float32 makes. What it is, rms, of
// outputs of rms 1 and 64 input channels:

template <>
struct WinogradPoints<4, 3> { // 7e-7; with the usual 1 and 2, 17e-7
    static constexpr double points[] = {0.625, 1.5};
};

template <>
struct WinogradPoints<4, 7> { // 15e-6; with 1/2, 1, 3/2 and 2, 59e-6
    static constexpr double points[] = {0.4375, 0.8125, 1.25, 2.375};
};

template <>
struct WinogradPoints<8, 7> { // 5e-4; rounding the outputs to bf16 makes it 11e-4
    static constexpr double points[] = {0.3125, 0.625, 0.875, 1.125, 1.6875, 3.1875};
};

} // namespace anime::onednn
