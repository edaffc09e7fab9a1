// SPDX-License-Identifier: LGPL-2.1-or-later
// Pictures that are put on a frame so that nobody sees where they begin: colour match and blending. Plain
// C++, used by facepaint, which makes them, and by animeganfilter, which puts them on the frame that it
// painted.
#pragma once

#include "models/image.h"

#include <cstdint>
#include <vector>

namespace anime
{

/// A picture with a soft outline and its place on a frame, which it may overhang.
struct Patch {
    int x = 0;
    int y = 0;
    int width = 0;
    int height = 0;
    std::vector<std::uint8_t> rgba; ///< R, G, B, straight alpha; rows follow each other without a gap

    Image image() { return {rgba.data(), width, height, width * std::ptrdiff_t{4}, 4}; }
    ConstImage image() const { return {rgba.data(), width, height, width * std::ptrdiff_t{4}, 4}; }
};

/// Changes the patch's colours, by one factor and one offset a channel, so that their mean and standard
/// deviation become those of the frame below it. Both are weighted with the patch's alpha. The factor stays
/// within 0.5 and 2, so that a flat frame does not flatten the face, nor a noisy one blow it up.
void match_colours(Patch &patch, const ConstImage &frame);

/// Puts the patch on the frame: frame + alpha * (patch - frame). A fourth byte of the frame stays as it is.
void blend_patch(const Image &frame, const Patch &patch);

} // namespace anime
