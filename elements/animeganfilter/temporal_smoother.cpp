// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/animeganfilter/temporal_smoother.h"

#include "elements/animeganfilter/smooth_row.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace anime
{

namespace
{

std::size_t row_bytes(const ConstImage &image)
{
    return static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.pixel);
}

} // namespace

void TemporalSmoother::smooth(const ConstImage &photo, const Image &painting, double amount)
{
    const std::size_t bytes = row_bytes(photo);
    const bool follows = width_ == photo.width && height_ == photo.height && pixel_ == photo.pixel;
    SmoothWeights weights;
    if (follows) {
        for (int change = 0; change < noise; ++change)
            weights[static_cast<std::size_t>(change)] = static_cast<std::uint8_t>(
                std::lround(256 * amount * std::min(1.0, double(noise - change) / (noise - same))));
    } else {
        width_ = photo.width;
        height_ = photo.height;
        pixel_ = photo.pixel;
        photo_.resize(bytes * static_cast<std::size_t>(height_));
        painting_.resize(photo_.size());
    }
    const SmoothRow row = smooth_rows().front();
    std::uint8_t *last_photo = photo_.data();
    std::uint8_t *last_painting = painting_.data();
    // A row is kept for the next frame while it is in the cache.
    for (int y = 0; y < height_; ++y, last_photo += bytes, last_painting += bytes) {
        if (follows)
            row({photo.row(y), last_photo, last_painting}, painting.row(y), photo.width, photo.pixel,
                weights);
        std::memcpy(last_photo, photo.row(y), bytes);
        std::memcpy(last_painting, painting.row(y), bytes);
    }
}

void TemporalSmoother::forget()
{
    *this = {};
}

} // namespace anime
