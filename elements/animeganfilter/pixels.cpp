// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/animeganfilter/pixels.h"

#include <algorithm>
#include <array>
#include <cmath>
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

double mean_luma(const ConstImage &image)
{
    constexpr int rows_read = 256;
    const int step = std::max(1, image.height / rows_read);
    std::uint64_t red = 0;
    std::uint64_t green = 0;
    std::uint64_t blue = 0;
    std::uint64_t pixels = 0;
    for (int y = step / 2; y < image.height; y += step) {
        const std::uint8_t *p = image.row(y);
        for (int x = 0; x < image.width; ++x, p += image.pixel) {
            red += p[0];
            green += p[1];
            blue += p[2];
        }
        pixels += image.width;
    }
    return (.299 * red + .587 * green + .114 * blue) / pixels;
}

void multiply(const Image &image, double ratio)
{
    std::array<std::uint8_t, 256> product;
    for (std::size_t i = 0; i < product.size(); ++i)
        product[i] = static_cast<std::uint8_t>(std::min(255L, std::lround(i * ratio)));
    for (int y = 0; y < image.height; ++y) {
        std::uint8_t *p = image.row(y);
        for (int x = 0; x < image.width; ++x, p += image.pixel)
            for (int c = 0; c < 3; ++c)
                p[c] = product[p[c]];
    }
}

} // namespace anime
