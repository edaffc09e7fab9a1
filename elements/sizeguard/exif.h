// SPDX-License-Identifier: LGPL-2.1-or-later
// The one EXIF field that decides how a photo is looked at.
#pragma once

#include <cstdint>
#include <span>

namespace anime
{

/// Orientation (tag 0x0112) of an EXIF block, 1 to 8, with or without its leading "Exif\0\0". 1 where the
/// block is damaged or says nothing: a photo is not refused for its metadata.
int exif_orientation(std::span<const std::uint8_t> exif);

} // namespace anime
