// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <span>

namespace anime
{

/// Whether an ICC profile has tags D2Bn or B2Dn: lists of any number of processing steps, which may all be
/// the same bytes of the file. lcms2 (2.14) unpacks and optimizes each: 800 KB kept it busy for more than
/// five minutes, and 450 KB took 2.5 GB. Pictures do not use these tags.
bool has_element_lists(std::span<const std::uint8_t> profile);

} // namespace anime
