// SPDX-License-Identifier: LGPL-2.1-or-later
// sRGB to CIE Lab (D65) and back.
#pragma once

#include "models/training/painter/grid.h"

#include <cstdint>

namespace anime::training
{

/// Rows of 8-bit RGB without padding.
Picture from_rgb(const std::uint8_t *rgb, int width, int height);
void to_rgb(const Picture &picture, std::uint8_t *rgb);

} // namespace anime::training
