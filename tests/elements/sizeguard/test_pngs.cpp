// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/elements/sizeguard/test_pngs.h"

#include <zlib.h>

namespace anime::test
{

Data make_png(const PngSpec &spec)
{
    Data lines;
    for (int y = 0; y < spec.height; ++y) {
        lines.push_back(0); // no filter
        for (int x = 0; x < spec.width; ++x)
            for (const unsigned sample : spec.pixel(x, y)) {
                if (spec.depth == 16)
                    lines.push_back(static_cast<std::uint8_t>(sample >> 8));
                lines.push_back(static_cast<std::uint8_t>(sample));
            }
    }
    return png_header(static_cast<std::uint32_t>(spec.width), static_cast<std::uint32_t>(spec.height),
                      spec.depth, spec.colour_type) +
           spec.chunks + png_chunk("IDAT", deflated(lines)) + png_chunk("IEND", {});
}

Data deflated(const Data &data)
{
    uLongf size = compressBound(data.size());
    Data zlib(size);
    compress(zlib.data(), &size, data.data(), data.size());
    zlib.resize(size);
    return zlib;
}

Data png_profile_chunk(const Data &profile)
{
    return png_chunk("iCCP", bytes_of("p") + Data{0, 0} + deflated(profile));
}

} // namespace anime::test
