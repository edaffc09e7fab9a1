// SPDX-License-Identifier: LGPL-2.1-or-later
// JPEGs of the kinds that libvips does not write, from libjpeg's own encoder.
#pragma once

#include "tests/elements/sizeguard/test_images.h"

#include <array>

namespace anime::test
{

enum class JpegColours { grey, ycc, rgb, cmyk, ycck };
enum class JpegScans {
    one,
    each_channel, ///< sequential, one scan for each channel
    progressive,
    no_second_dc, ///< progressive, without a scan of the lowest frequencies of the second channel
};

struct JpegSpec {
    JpegColours colours = JpegColours::ycc;
    JpegScans scans = JpegScans::one;
    int width = 64;
    int height = 48;
    bool subsampled = true;
    unsigned restart_interval = 0; ///< in blocks
    bool arithmetic = false;
    bool markers = true;                ///< JFIF's or Adobe's, by the colours
    std::array<int, 4> ids{1, 2, 3, 4}; ///< identifiers of the channels
};

/// The picture of make_image(), best quality.
Data make_jpeg(const JpegSpec &spec);

} // namespace anime::test
