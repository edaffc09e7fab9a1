// SPDX-License-Identifier: LGPL-2.1-or-later
// What the numbers of a film's pictures mean: repaired where the file says it wrongly or not at all.
#pragma once

#include <gst/video/video.h>

#include <optional>
#include <string>

namespace anime
{

/// `decoded` with its gaps filled: from `container` where the stream itself said nothing, then by the usual
/// rule of size (BT.709 from 1280 pixels wide or more than 576 high, else BT.601), limited range.
GstVideoColorimetry repaired_colorimetry(GstVideoColorimetry decoded,
                                         const std::optional<GstVideoColorimetry> &container, int width,
                                         int height);

bool is_hdr(const GstVideoColorimetry &colorimetry);

/// As the painted film is written: as it was, with limited range; RGB and HDR as BT.709.
std::string written_colorimetry(const GstVideoColorimetry &colorimetry, int width, int height);

/// The brightest that an HDR film has, in cd/m², by what its caps say of it; 1000 where they don't.
float peak_light(const GstCaps *caps, const GstVideoColorimetry &colorimetry);

} // namespace anime
