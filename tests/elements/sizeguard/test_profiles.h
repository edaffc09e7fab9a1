// SPDX-License-Identifier: LGPL-2.1-or-later
// ICC profiles made for a test, by lcms2.
#pragma once

#include "tests/elements/sizeguard/test_images.h"

namespace anime::test
{

/// Swaps red and green by its only table: "A2B0" perceptual, "A2B1" relative colorimetric, "A2B2" saturation.
Data swapping_table_profile(const std::string &table);

/// Grey with this gamma.
Data grey_profile(double gamma);

/// Of L*a*b* pixels.
Data lab_profile();

} // namespace anime::test
