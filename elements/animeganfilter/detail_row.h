// SPDX-License-Identifier: LGPL-2.1-or-later
// The inner loop of enlarging: adds the photo's detail to the enlarged painting, compiled for what the CPU
// has.
#pragma once

#include <cstdint>
#include <span>

namespace anime
{

/// Rows of one width.
struct DetailSources {
    const std::uint8_t *photo;
    const std::uint8_t *painting; ///< R, G, B, and the luma that the photo has without its detail
    const std::uint8_t *gain;     ///< in 128ths
};

/// out = painting + gain · (luma of the photo − luma without detail), for R, G and B. A fourth byte of `out`
/// may become anything.
using DetailRow = void (*)(const DetailSources &from, std::uint8_t *out, int width, int photo_pixel,
                           int out_pixel);

/// Those that this CPU can run, the quickest first; there is always one.
std::span<const DetailRow> detail_rows();

} // namespace anime
