// SPDX-License-Identifier: LGPL-2.1-or-later
// The inner loop of temporal smoothing, compiled for what the CPU has.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace anime
{

/// By the change of a pixel's photo, in levels: the part in 256ths of the last painting. None from 16 levels
/// on.
using SmoothWeights = std::array<std::uint8_t, 16>;

/// Rows of one width and one size of pixel.
struct SmoothSources {
    const std::uint8_t *photo;
    const std::uint8_t *last_photo;
    const std::uint8_t *last_painting;
};

/// Moves `painting` towards the last one. A fourth byte of a pixel may become anything.
using SmoothRow = void (*)(const SmoothSources &from, std::uint8_t *painting, int width, int pixel,
                           const SmoothWeights &weights);

/// Those that this CPU can run, the quickest first; there is always one.
std::span<const SmoothRow> smooth_rows();

} // namespace anime
