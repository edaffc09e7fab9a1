// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/sizeguard/exif.h"

#include "elements/sizeguard/scanner.h"

#include <cstring>

namespace anime
{

namespace
{

/// Bytes of one value of an EXIF type (EXIF 2.32, 4.6.2; TIFF 6.0, section 2); 0: it is no integer. Writers
/// use other types than the one that the tag asks for.
std::uint32_t size_of_integer(std::uint32_t type)
{
    switch (type) {
    case 1: // BYTE
    case 6: // SBYTE
        return 1;
    case 3: // SHORT
    case 8: // SSHORT
        return 2;
    case 4: // LONG
    case 9: // SLONG
        return 4;
    default:
        return 0;
    }
}

} // namespace

int exif_orientation(std::span<const std::uint8_t> exif)
{
    constexpr int NORMAL = 1;
    constexpr std::uint32_t ORIENTATION = 0x0112;
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
        const std::uint32_t size = size_of_integer(u16(entry + 2));
        if (size == 0)
            return NORMAL;
        // The values stand in the entry if they fit into its four bytes, and where it points to if not.
        const std::uint64_t all = std::uint64_t{size} * u32(entry + 4);
        const std::size_t at = all <= 4 ? entry + 8 : u32(entry + 8);
        if (at > exif.size() || exif.size() - at < size)
            return NORMAL;
        // A negative number is no orientation either way.
        const std::uint32_t value = size == 1 ? exif[at] : size == 2 ? u16(at) : u32(at);
        return value >= 1 && value <= 8 ? static_cast<int>(value) : NORMAL;
    }
    return NORMAL;
}

} // namespace anime
