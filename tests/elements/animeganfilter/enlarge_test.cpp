// SPDX-License-Identifier: LGPL-2.1-or-later
// Enlarging a painting with the photo at hand: what follows the photo gets its detail back, what does not is
// left alone.
#include "elements/animeganfilter/detail_row.h"
#include "elements/animeganfilter/enlarge.h"
#include "elements/animeganfilter/enlarge_loops.h"
#include "elements/animeganfilter/resize.h"
#include "tests/elements/animeganfilter/picture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace anime
{
namespace
{

Colour grey(int level)
{
    const auto byte = static_cast<std::uint8_t>(std::clamp(level, 0, 255));
    return {byte, byte, byte};
}

double mean_error(const Picture &a, const Picture &b)
{
    double sum = 0;
    for (int y = 0; y < a.view().height; ++y)
        for (int x = 0; x < a.view().width; ++x)
            for (std::size_t c = 0; c < 3; ++c)
                sum += std::abs(a.at(x, y)[c] - b.at(x, y)[c]);
    return sum / (3.0 * a.view().width * a.view().height);
}

Picture smaller(const Picture &photo, int width, int height)
{
    Picture small(width, height, {}, photo.view().pixel);
    resize(photo.view(), small.image());
    return small;
}

Picture enlarged(const Picture &photo, const Picture &small_photo, const Picture &painting)
{
    Picture out(photo.view().width, photo.view().height, {}, photo.view().pixel, 5);
    Enlarger().enlarge(small_photo.view(), painting.view(), photo.view(), out.image());
    EXPECT_TRUE(out.gaps_are_untouched());
    return out;
}

/// Stripes two pixels wide and a border that lies between the pixels of the small picture.
Picture striped_photo()
{
    Picture photo(240, 160);
    photo.fill([](int x, int y) { return grey((x < 101 ? 80 : 170) + ((x + y) / 2 % 2 ? 25 : -25)); });
    return photo;
}

TEST(Enlarge, WhatFollowsThePhotoGetsItsDetail)
{
    const Picture photo = striped_photo();
    const Picture small = smaller(photo, 120, 80);
    Picture bicubic(240, 160);
    resize(small.view(), bicubic.image());
    EXPECT_LT(mean_error(enlarged(photo, small, small), photo), mean_error(bicubic, photo) / 2);
}

// A border is where the photo has it, to the pixel, also in other colours.
TEST(Enlarge, ABorderIsAsSharpAsThePhotos)
{
    Picture photo(240, 160);
    photo.fill([](int x, int) { return grey(x < 101 ? 80 : 170); });
    const Picture small = smaller(photo, 120, 80);
    Picture painting(120, 80);
    painting.fill([&](int x, int y) {
        const int level = small.at(x, y)[0];
        return Colour{std::uint8_t(level), std::uint8_t(level - 40), std::uint8_t(level + 20)};
    });
    const Picture out = enlarged(photo, small, painting);
    for (int x = 0; x < 240; ++x)
        EXPECT_NEAR(out.at(x, 80)[1], x < 101 ? 40 : 130, 12) << x;
}

TEST(Enlarge, WhatThePainterFlattenedStaysFlat)
{
    const Picture photo = striped_photo();
    for (const auto &[width, height] : {std::pair{120, 80}, {83, 57}, {1, 1}, {240, 1}}) {
        const Picture small = smaller(photo, width, height);
        EXPECT_TRUE(enlarged(photo, small, Picture(width, height, {200, 100, 50})).is_flat({200, 100, 50}));
    }
}

TEST(Enlarge, NoiseThatThePaintingDoesNotHaveIsNotAdded)
{
    std::mt19937 random(1);
    Picture photo(240, 160);
    photo.fill([&](int, int) { return grey(100 + int(random() % 41) - 20); });
    Picture painting(120, 80);
    painting.fill([](int x, int) { return grey(60 + x); });
    Picture bicubic(240, 160);
    resize(painting.view(), bicubic.image());
    EXPECT_LT(mean_error(enlarged(photo, smaller(photo, 120, 80), painting), bicubic), 1.5);
}

// A drawn border that the photo doesn't have: steeper than without sharpening, and no halo beside it.
TEST(Enlarge, WhatThePhotoDoesNotHaveIsSharpened)
{
    const Picture photo(240, 160, {150, 150, 150});
    Picture painting(120, 80);
    painting.fill([](int x, int) { return grey(x < 59 ? 150 : x == 59 ? 132 : x == 60 ? 88 : 70); });
    Picture bicubic(240, 160);
    resize(painting.view(), bicubic.image());
    const Picture out = enlarged(photo, Picture(120, 80, {150, 150, 150}), painting);
    const auto steepest = [](const Picture &picture) {
        int most = 0;
        for (int x = 1; x < 240; ++x)
            most = std::max(most, std::abs(picture.at(x, 80)[0] - picture.at(x - 1, 80)[0]));
        return most;
    };
    EXPECT_GT(steepest(out), steepest(bicubic) * 1.1);
    for (int x = 0; x < 240; ++x) {
        EXPECT_LE(out.at(x, 80)[0], 156) << x;
        EXPECT_GE(out.at(x, 80)[0], 64) << x;
    }
}

TEST(Enlarge, KeepsFourBytePixelsApart)
{
    Picture photo(90, 60, {}, 4);
    photo.fill([](int x, int y) { return Colour{std::uint8_t(2 * x), std::uint8_t(3 * y), 90}; });
    const Picture out = enlarged(photo, smaller(photo, 45, 30), smaller(photo, 45, 30));
    for (int y = 4; y < 56; ++y)
        for (int x = 4; x < 86; ++x)
            for (std::size_t c = 0; c < 3; ++c)
                ASSERT_NEAR(out.at(x, y)[c], photo.at(x, y)[c], 3) << x << ',' << y;
}

std::vector<std::uint8_t> noise(std::size_t count, std::mt19937 &random)
{
    std::vector<std::uint8_t> bytes(count);
    for (std::uint8_t &byte : bytes)
        byte = static_cast<std::uint8_t>(random());
    return bytes;
}

// Every kernel that this CPU can run, at every place in a vector: against the plain one.
TEST(EnlargeLoops, AllKernelsAgree)
{
    std::mt19937 random(1);
    for (const int width : {1, 2, 5, 6, 7, 16, 33, 100}) {
        for (const int pixel : {3, 4}) {
            SCOPED_TRACE(std::to_string(width) + " of " + std::to_string(pixel));
            const auto pixels = static_cast<std::size_t>(width);
            const auto bytes = pixels * static_cast<std::size_t>(pixel);
            const auto photo = noise(bytes, random);
            const auto painting = noise(4 * pixels, random);
            const auto gain = noise(pixels, random);
            const std::vector<std::vector<std::uint8_t>> rows = {
                noise(bytes, random),  noise(bytes, random),  noise(bytes, random),
                noise(pixels, random), noise(pixels, random), noise(pixels, random)};
            const auto detail = [&](DetailRow row, int out_pixel) {
                std::vector<std::uint8_t> out(pixels * static_cast<std::size_t>(out_pixel) + 4, 0xEE);
                row({photo.data(), painting.data(), gain.data()}, out.data(), width, pixel, out_pixel);
                for (std::size_t i = 3; out_pixel == 4 && i < out.size() - 4; i += 4)
                    out[i] = 0; // may be anything
                return out;
            };
            for (const int out_pixel : {3, 4})
                for (const DetailRow row : detail_rows())
                    EXPECT_EQ(detail(row, out_pixel), detail(detail_rows().back(), out_pixel));

            const auto fit = [&](const EnlargeLoops &loops) {
                ColumnSums sums(width);
                for (std::size_t i = 0; i + 1 < 6; ++i)
                    loops.add_row(rows[i].data(), rows[i + 1].data(), width, 1, sums);
                loops.add_row(rows[0].data(), rows[1].data(), width, -1, sums);
                sums.pad();
                std::vector<std::uint8_t> out(pixels);
                loops.fit_row(sums, width, out.data());
                return out;
            };
            const auto sharpen = [&](const EnlargeLoops &loops) {
                SharpenBuffers buffers(width, pixel);
                loops.sharpen_row({rows[0].data(), rows[1].data(), rows[2].data()},
                                  {rows[3].data(), rows[4].data(), rows[5].data()}, width, pixel, buffers);
                return std::vector<std::uint8_t>(buffers.sharp.begin(),
                                                 buffers.sharp.begin() + static_cast<std::ptrdiff_t>(bytes));
            };
            for (const EnlargeLoops &loops : all_enlarge_loops()) {
                EXPECT_EQ(fit(loops), fit(all_enlarge_loops().back()));
                EXPECT_EQ(sharpen(loops), sharpen(all_enlarge_loops().back()));
            }
        }
    }
}

} // namespace
} // namespace anime
