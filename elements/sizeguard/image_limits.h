// SPDX-License-Identifier: LGPL-2.1-or-later
// What sizeguard lets through: plain data, read once at the start of each image.
#pragma once

#include "elements/sizeguard/sniff.h"

#include <cstdint>

namespace anime
{

struct Size {
    unsigned width = 0;
    unsigned height = 0;

    bool operator==(const Size &) const = default;
};

/// Zero means "no limit" for every number here.
struct Limits {
    std::uint64_t max_bytes = 5u << 20;
    std::uint64_t max_source_pixels = 50'000'000;
    /// Longest side out, pixels.
    std::uint32_t max_dimension = 2000;
    /// Ordinary progressive JPEGs have 10 scans, and hardly an encoder writes more than 20. Each scan is one
    /// more pass over the whole picture, however few bytes it has.
    std::uint32_t max_scans = 50;
    /// Bytes that a decoder has to hold at once for images that can't be decoded line by line: progressive
    /// JPEG, interlaced PNG, lossless and animated WebP. Lets 50 megapixels of any ordinary kind through (a
    /// progressive 4:4:4 JPEG needs 286 MiB). Also what all decoders of the process together may hold: others
    /// wait for their turn (memory_budget.h).
    std::uint64_t max_memory = 320u << 20;
    unsigned formats = ALL_IMAGE_FORMATS;
    bool auto_rotate = true;
    bool reject_oversize = false; ///< refuse what exceeds max_dimension instead of shrinking it

    static bool exceeds(std::uint64_t value, std::uint64_t limit) { return limit != 0 && value > limit; }
};

} // namespace anime
