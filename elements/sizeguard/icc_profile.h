// SPDX-License-Identifier: LGPL-2.1-or-later
// What can be said of an ICC profile before pixels go through it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace anime
{

/// The largest profiles in use (scanner and printer characterisations) have about 3 MB.
constexpr std::size_t MAX_ICC_PROFILE = 4u << 20;

/// The profile in an iCCP chunk of a PNG (name, 0, method, zlib stream). Empty: the stream is broken, or
/// inflates to more than MAX_ICC_PROFILE.
std::vector<std::uint8_t> inflate_profile(std::span<const std::uint8_t> chunk);

/// Whether it has tags with lists of processing elements (D2Bn, B2Dn), which pictures do not have: lcms2
/// takes minutes to read a list of 100,000.
bool has_element_lists(std::span<const std::uint8_t> profile);

/// How a profile can be used for pixels of `channels` colours.
struct ProfileUse {
    const char *fault = nullptr; ///< why it can't; a code of the message's field colour-fault
    bool perceptual = false;     ///< it has no table for relative colorimetry
    unsigned channels = 0;       ///< that it wants: for grey pixels also 3
};
ProfileUse use_of_profile(std::span<const std::uint8_t> profile, unsigned channels);

} // namespace anime
