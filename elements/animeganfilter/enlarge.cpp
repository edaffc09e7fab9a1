// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/animeganfilter/enlarge.h"

#include "elements/animeganfilter/detail_row.h"
#include "elements/animeganfilter/enlarge_loops.h"
#include "elements/animeganfilter/resize.h"
#include "elements/animeganfilter/tone_row.h"

#include <algorithm>
#include <cstddef>

namespace anime
{

namespace
{

void luma_of_picture(const ConstImage &image, std::vector<std::uint8_t> &luma)
{
    luma.resize(static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height));
    std::uint8_t *to = luma.data();
    for (int y = 0; y < image.height; ++y) {
        const std::uint8_t *p = image.row(y);
        for (int x = 0; x < image.width; ++x, p += image.pixel)
            *to++ = luma_of(p[0], p[1], p[2]);
    }
}

} // namespace

/// The slope of a straight line from the photo's luma to the painting's, around each pixel.
void Enlarger::fit()
{
    small_gain_.resize(photo_luma_.size());
    const EnlargeLoops &loops = enlarge_loops();
    ColumnSums sums(width_);
    const auto row = [this](const std::vector<std::uint8_t> &luma, int y) {
        return luma.data() + std::ptrdiff_t{std::clamp(y, 0, height_ - 1)} * width_;
    };
    const auto move = [&](int y, int sign) {
        loops.add_row(row(photo_luma_, y), row(painting_luma_, y), width_, sign, sums);
    };
    for (int y = -enlarge_reach; y < enlarge_reach; ++y)
        move(y, 1);
    for (int y = 0; y < height_; ++y) {
        move(y + enlarge_reach, 1);
        sums.pad();
        loops.fit_row(sums, width_, small_gain_.data() + std::ptrdiff_t{y} * width_);
        move(y - enlarge_reach, -1);
    }
}

/// Half of a pixel's difference from the mean of the 3×3 around it is added, and the channels stay within
/// those of the 3×3.
void Enlarger::sharpen(const ConstImage &painting)
{
    SharpenBuffers buffers(width_, painting.pixel);
    const auto luma = [this](int y) { return painting_luma_.data() + std::ptrdiff_t{y} * width_; };
    for (int y = 0; y < height_; ++y) {
        const int above = std::max(y - 1, 0);
        const int below = std::min(y + 1, height_ - 1);
        enlarge_loops().sharpen_row({painting.row(above), painting.row(y), painting.row(below)},
                                    {luma(above), luma(y), luma(below)}, width_, painting.pixel, buffers);
        const std::uint8_t *guide = photo_luma_.data() + std::ptrdiff_t{y} * width_;
        const std::uint8_t *from = buffers.sharp.data();
        std::uint8_t *to = small_.data() + std::ptrdiff_t{4} * width_ * y;
        for (int x = 0; x < width_; ++x, from += painting.pixel, to += 4) {
            to[0] = from[0];
            to[1] = from[1];
            to[2] = from[2];
            to[3] = guide[x];
        }
    }
}

void Enlarger::enlarge(const ConstImage &small_photo, const ConstImage &small_painting,
                       const ConstImage &photo, const Image &out)
{
    width_ = small_photo.width;
    height_ = small_photo.height;
    luma_of_picture(small_photo, photo_luma_);
    luma_of_picture(small_painting, painting_luma_);
    small_.resize(4 * photo_luma_.size());
    fit();
    sharpen(small_painting);

    const auto pixels = static_cast<std::size_t>(photo.width) * static_cast<std::size_t>(photo.height);
    large_.resize(4 * pixels);
    large_gain_.resize(pixels);
    const std::ptrdiff_t stride = photo.width;
    resize({small_.data(), width_, height_, std::ptrdiff_t{4} * width_, 4},
           {large_.data(), photo.width, photo.height, 4 * stride, 4});
    resize({small_gain_.data(), width_, height_, width_, 1},
           {large_gain_.data(), photo.width, photo.height, stride, 1}, Enlarging::linear);
    const DetailRow row = detail_rows().front();
    for (int y = 0; y < photo.height; ++y)
        row({photo.row(y), large_.data() + 4 * stride * y, large_gain_.data() + stride * y}, out.row(y),
            photo.width, photo.pixel, out.pixel);
}

} // namespace anime
