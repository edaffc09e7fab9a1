// SPDX-License-Identifier: LGPL-2.1-or-later
// The inner loop of tone matching, compiled for what the CPU has: at 1280×720 it runs for each frame of a
// video.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace anime
{

/// A gain of 1; the largest that fits is just below 8.
constexpr int gain_bits = 12;
constexpr int gain_one = 1 << gain_bits;

/// What the four bytes of a pixel are multiplied with. The fourth stays.
using PixelGain = std::array<std::int16_t, 4>;

/// By luma.
using ToneGains = std::array<PixelGain, 256>;

/// .299 R + .587 G + .114 B in 128ths, rounded.
constexpr int red_part = 38;
constexpr int green_part = 75;
constexpr int blue_part = 15;

constexpr std::uint8_t luma_of(int red, int green, int blue)
{
    return static_cast<std::uint8_t>((red_part * red + green_part * green + blue_part * blue + 64) >> 7);
}

/// Multiplies `width` pixels of `pixel` bytes each.
using ToneRow = void (*)(std::uint8_t *row, int width, int pixel, const ToneGains &gains);

/// Those that this CPU can run, the quickest first; there is always one.
std::span<const ToneRow> tone_rows();

} // namespace anime
