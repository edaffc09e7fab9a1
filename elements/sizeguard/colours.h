// SPDX-License-Identifier: LGPL-2.1-or-later
// From whatever an image's numbers mean to 8-bit sRGB, with libvips and lcms2.
#pragma once

#include "elements/sizeguard/scanner.h"

namespace vips
{
class VImage;
}

namespace anime
{

/// What was found out on the way; codes of the fields `colours` and `colour-fault` of the message.
struct ColourReport {
    const char *source = "srgb"; ///< what the colours were understood by
    const char *fault = "";      ///< why something better in the file could not be used; empty: nothing
};

/// Pixels as a loader of libvips gave them, with the image's ICC profile attached, as 8-bit sRGB; an alpha
/// channel is scaled to 8 bits as the colours are. What describes the colours is tried by rank: cICP, the
/// profile, sRGB, gAMA with cHRM (W3C PNG, third edition, 4.3).
vips::VImage to_srgb(const vips::VImage &image, const ImageFacts &facts, ColourReport &report);

} // namespace anime
