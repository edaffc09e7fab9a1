// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/animeganfilter/temporal_smoother.h"

#include "elements/animeganfilter/pixels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

namespace anime
{

void TemporalSmoother::smooth(const ConstImage &photo, const Image &painting, double amount)
{
    const std::ptrdiff_t stride = std::ptrdiff_t{3} * photo.width;
    if (width_ == photo.width && height_ == photo.height) {
        std::array<int, noise> weight; // of the last painting, out of 256
        for (int change = 0; change < noise; ++change)
            weight[change] = static_cast<int>(std::lround(256 * amount * (noise - change) / noise));

        for (int y = 0; y < photo.height; ++y) {
            const std::uint8_t *last_photo = photo_.data() + y * stride;
            const std::uint8_t *last = painting_.data() + y * stride;
            for (int x = 0; x < photo.width; ++x, last_photo += 3, last += 3) {
                const std::uint8_t *in = photo.at(x, y);
                std::uint8_t *out = painting.at(x, y);
                const int change = std::max({std::abs(in[0] - last_photo[0]), std::abs(in[1] - last_photo[1]),
                                             std::abs(in[2] - last_photo[2])});
                if (change >= noise)
                    continue;
                const int w = weight[change];
                for (int c = 0; c < 3; ++c)
                    out[c] = static_cast<std::uint8_t>((out[c] * (256 - w) + last[c] * w + 128) >> 8);
            }
        }
    } else {
        width_ = photo.width;
        height_ = photo.height;
        photo_.resize(stride * height_);
        painting_.resize(stride * height_);
    }
    copy_rgb(photo, {photo_.data(), width_, height_, stride, 3});
    copy_rgb(as_const(painting), {painting_.data(), width_, height_, stride, 3});
}

void TemporalSmoother::forget()
{
    *this = {};
}

} // namespace anime
