// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/sizeguard/icc_profile.h"

#include "elements/sizeguard/scanner.h"

#include <algorithm>
#include <string_view>

namespace anime
{

bool has_element_lists(std::span<const std::uint8_t> profile)
{
    constexpr std::size_t HEADER_SIZE = 128;
    constexpr std::size_t ENTRY_SIZE = 12;
    if (profile.size() < HEADER_SIZE + 4)
        return false;
    const std::size_t room = (profile.size() - HEADER_SIZE - 4) / ENTRY_SIZE;
    const std::size_t tags = std::min<std::size_t>(big_endian_32(profile, HEADER_SIZE), room);
    for (std::size_t i = 0; i < tags; ++i) {
        const std::size_t at = HEADER_SIZE + 4 + i * ENTRY_SIZE;
        const std::string_view name(reinterpret_cast<const char *>(profile.data()) + at, 4);
        if (name.starts_with("D2B") || name.starts_with("B2D"))
            return true;
    }
    return false;
}

} // namespace anime
