// SPDX-License-Identifier: LGPL-2.1-or-later
// Rows of 8-bit 4:2:0 from and to RGB, rounded and with chroma interpolated: GStreamer 1.22's own conversion
// is either 2 to 4 levels too dark (I420 to RGB at once) or several times as slow (by way of 16 bits).
#pragma once

#include <gst/video/video-color.h>

#include <cstdint>
#include <span>

namespace anime
{

/// Of Y'CbCr and R'G'B' in 8 bits. Factors are the fractions of 2^13 (to RGB) or 2^15 (from RGB) that the
/// rows multiply by.
struct YuvMatrix {
    YuvMatrix(GstVideoColorMatrix matrix, GstVideoColorRange range);

    int black;                                ///< luma of black
    std::int16_t luma;                        ///< of luma, to each channel
    std::int16_t red, green_u, green_v, blue; ///< of chroma, to the channels; green's are subtracted
    std::int16_t to_y[3], to_u[3], to_v[3];   ///< of R, G and B
};

/// A row of chroma between two rows: (w0 · c0 + w1 · c1), w0 + w1 = 4. `mixed` has room for `width` values
/// and one before and one behind, which repeat the ends.
void mix_chroma(const std::uint8_t *c0, const std::uint8_t *c1, int w0, int w1, int width,
                std::int16_t *mixed);

/// What a row of RGB is made of. Chroma as mix_chroma() leaves it.
struct YuvRow {
    const std::uint8_t *y;
    const std::int16_t *u;
    const std::int16_t *v;
    bool cosited; ///< chroma lies on even pixels, not between two
};

/// Sums of two rows of each channel, as write_luma() leaves them, with one before and one behind that repeat
/// the ends.
struct RgbSums {
    std::int16_t *channel[3];
};

/// The loops, in one way that the CPU has. All give the same.
struct YuvLoops {
    void (*to_rgb)(const YuvRow &from, const YuvMatrix &matrix, std::uint8_t *rgb, int width);
    /// Luma of a row, and its channels put into `sums` (`first`) or added to them.
    void (*write_luma)(const std::uint8_t *rgb, const YuvMatrix &matrix, std::uint8_t *y, const RgbSums &sums,
                       bool first, int width);
    /// Chroma of the two rows that were summed.
    void (*write_chroma)(const RgbSums &sums, bool cosited, const YuvMatrix &matrix, std::uint8_t *u,
                         std::uint8_t *v, int width);
};

/// The fastest first; the last one is plain C++.
std::span<const YuvLoops> yuv_loops();

} // namespace anime
