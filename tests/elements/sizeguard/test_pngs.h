// SPDX-License-Identifier: LGPL-2.1-or-later
// PNGs sample by sample, with any chunks before their picture.
#pragma once

#include "tests/elements/sizeguard/test_images.h"

#include <functional>

namespace anime::test
{

struct PngSpec {
    int width = 16;
    int height = 8;
    int depth = 8;       ///< 8 or 16
    int colour_type = 2; ///< 0 grey, 2 RGB, 4 grey and alpha, 6 RGBA
    /// The samples of a pixel, each up to 255 or 65535.
    std::function<std::vector<unsigned>(int x, int y)> pixel;
    Data chunks; ///< between header and data
};

Data make_png(const PngSpec &spec);

Data deflated(const Data &data);
Data png_profile_chunk(const Data &profile);

} // namespace anime::test
