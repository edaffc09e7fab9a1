// SPDX-License-Identifier: LGPL-2.1-or-later
// What the chunks of a PNG say of its colours besides an ICC profile, as ICC profiles.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace anime
{

/// The chunks as they stand in the file; the first of each kind before the picture data.
struct PngColours {
    struct Cicp {
        std::uint8_t primaries;
        std::uint8_t transfer;
        std::uint8_t matrix;
        std::uint8_t full_range;
    };
    std::optional<Cicp> cicp;
    bool srgb = false;
    std::optional<std::uint32_t> gama;                ///< times 100000
    std::optional<std::array<std::uint32_t, 8>> chrm; ///< x and y of white, red, green, blue, times 100000
};

/// A colour space: an ICC profile, or sRGB, which needs none.
struct MadeProfile {
    bool srgb = false;
    std::vector<std::uint8_t> bytes;
};

/// The colour space of a cICP chunk (ITU-T H.273), its range aside. Nothing for code points that are not
/// supported. PQ and HLG are mapped to the range of sRGB: see high_dynamic_range() in the source.
std::optional<MadeProfile> profile_of_cicp(const PngColours::Cicp &cicp);

/// The colour space of a gAMA chunk, with that of a cHRM chunk or sRGB's primaries. Nothing for impossible
/// values.
std::optional<MadeProfile> profile_of_gamma(const PngColours &colours);

} // namespace anime
