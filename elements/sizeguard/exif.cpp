// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/sizeguard/exif.h"

#include "elements/sizeguard/scanner.h"

#include <cstring>

namespace anime
{

int exif_orientation(std::span<const std::uint8_t> exif)
{
    constexpr int NORMAL = 1;
    constexpr std::uint32_t ORIENTATION = 0x0112;
    constexpr std::uint32_t SHORT = 3;
    constexpr std::size_t ENTRY_SIZE = 12;

    if (exif.size() >= 6 && std::memcmp(exif.data(), "Exif\0\0", 6) == 0)
        exif = exif.subspan(6);
    if (exif.size() < 8)
        return NORMAL;

    const bool little = exif[0] == 'I';
    const auto u16 = [&](std::size_t at) {
        return little ? little_endian_16(exif, at) : big_endian_16(exif, at);
    };
    const auto u32 = [&](std::size_t at) {
        return little ? little_endian_32(exif, at) : big_endian_32(exif, at);
    };
    if (exif[1] != exif[0] || (exif[0] != 'I' && exif[0] != 'M') || u16(2) != 42)
        return NORMAL;

    const std::size_t directory = u32(4);
    if (directory > exif.size() || exif.size() - directory < 2)
        return NORMAL;
    const std::size_t entries = u16(directory);
    for (std::size_t i = 0; i < entries; ++i) {
        const std::size_t entry = directory + 2 + i * ENTRY_SIZE;
        if (entry + ENTRY_SIZE > exif.size())
            return NORMAL;
        if (u16(entry) != ORIENTATION)
            continue;
        const std::uint32_t value = u16(entry + 8);
        return u16(entry + 2) == SHORT && value >= 1 && value <= 8 ? static_cast<int>(value) : NORMAL;
    }
    return NORMAL;
}

} // namespace anime
