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

void copy_rows(const ConstImage &from, std::vector<std::uint8_t> &to)
{
    for (int y = 0; y < from.height; ++y)
        std::memcpy(to.data() + row_bytes(from) * static_cast<std::size_t>(y), from.row(y), row_bytes(from));
}

} // namespace

void TemporalSmoother::smooth(const ConstImage &photo, const Image &painting, double amount)
{
    if (width_ == photo.width && height_ == photo.height && pixel_ == photo.pixel) {
        SmoothWeights weights;
        for (int change = 0; change < noise; ++change)
            weights[static_cast<std::size_t>(change)] = static_cast<std::uint8_t>(
                std::lround(256 * amount * std::min(1.0, double(noise - change) / (noise - same))));
        const SmoothRow row = smooth_rows().front();
        std::size_t place = 0;
        for (int y = 0; y < photo.height; ++y, place += row_bytes(photo))
            row({photo.row(y), photo_.data() + place, painting_.data() + place}, painting.row(y), photo.width,
                photo.pixel, weights);
    } else {
        width_ = photo.width;
        height_ = photo.height;
        pixel_ = photo.pixel;
        photo_.resize(row_bytes(photo) * static_cast<std::size_t>(height_));
        painting_.resize(photo_.size());
    }
    copy_rows(photo, photo_);
    copy_rows(as_const(painting), painting_);
}

void TemporalSmoother::forget()
{
    *this = {};
}

} // namespace anime
