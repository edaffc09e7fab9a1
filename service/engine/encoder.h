// SPDX-License-Identifier: LGPL-2.1-or-later
// Formats that GStreamer has no encoder for in every Debian: made of a PNG by libvips.
#pragma once

#include "service/picture.h"

#include <string>
#include <vector>

namespace anime::service
{

struct EncoderFormat {
    std::string name;    ///< webp, avif
    int quality;         ///< where the client names none
    std::string missing; ///< why this machine can't make it, and the remedy; empty: it can
};

/// Tries each with a small picture.
std::vector<EncoderFormat> encoder_formats();

/// Throws std::runtime_error with libvips' reason. `quality` is 1 to 100; 0: the format's own.
Bytes encode(const Bytes &png, const std::string &format, int quality);

} // namespace anime::service
