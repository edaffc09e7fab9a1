// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/animeganfilter/pixels.h"

#include <cstring>

namespace anime
{

namespace
{

std::size_t row_bytes(const ConstImage &image)
{
    return static_cast<std::size_t>(image.width) * image.pixel;
}

} // namespace

void copy_rgb(const ConstImage &from, const Image &to)
{
    for (int y = 0; y < to.height; ++y) {
        if (from.pixel == 3 && to.pixel == 3) {
            std::memcpy(to.row(y), from.row(y), row_bytes(from));
            continue;
        }
        const std::uint8_t *in = from.row(y);
        std::uint8_t *out = to.row(y);
        for (int x = 0; x < to.width; ++x, in += from.pixel, out += to.pixel) {
            out[0] = in[0];
            out[1] = in[1];
            out[2] = in[2];
        }
    }
}

void copy_alpha(const ConstImage &from, const Image &to)
{
    if (from.pixel != 4 || to.pixel != 4)
        return;
    for (int y = 0; y < to.height; ++y)
        for (int x = 0; x < to.width; ++x)
            to.at(x, y)[3] = from.at(x, y)[3];
}

void blend_over(const ConstImage &base, const Image &image, int weight)
{
    const std::size_t bytes = row_bytes(base);
    for (int y = 0; y < image.height; ++y) {
        const std::uint8_t *in = base.row(y);
        std::uint8_t *out = image.row(y);
        for (std::size_t i = 0; i < bytes; ++i)
            out[i] = static_cast<std::uint8_t>((in[i] * (256 - weight) + out[i] * weight + 128) >> 8);
    }
}

} // namespace anime
