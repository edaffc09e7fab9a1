// SPDX-License-Identifier: LGPL-2.1-or-later
// What happens to a frame around the painter: size, tone, strength, alpha, smoothing.
#include "elements/animeganfilter/frame_painter.h"
#include "elements/animeganfilter/resize.h"
#include "elements/animeganfilter/smooth_row.h"
#include "tests/elements/animeganfilter/picture.h"
#include "tests/elements/fake_painter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace anime
{
namespace
{

const std::atomic<bool> never = false;
constexpr FrameSettings plain = {.match_tone = ToneMatch::off};

Colour painted(Colour photo, Colour painting, const FrameSettings &settings)
{
    const Picture in(3, 2, photo);
    Picture out(3, 2);
    const auto painter = flat_painter(painting);
    FramePainter().paint(*painter, in.view(), out.image(), settings, never);
    finish_frame(in.view(), out.image(), settings.strength);
    EXPECT_TRUE(out.is_flat(out.at(0, 0)));
    return out.at(0, 0);
}

TEST(FramePainter, StrengthGoesFromThePhotoToThePainting)
{
    struct Case {
        double strength;
        Colour expected;
    };
    const Case cases[] = {
        {0, {100, 0, 255}},
        {0.25, {125, 50, 191}},
        {0.5, {150, 100, 128}},
        {1, {200, 200, 0}},
    };
    for (const Case &c : cases) {
        SCOPED_TRACE(c.strength);
        FrameSettings settings = plain;
        settings.strength = c.strength;
        EXPECT_EQ(painted({100, 0, 255}, {200, 200, 0}, settings), c.expected);
    }
}

TEST(FramePainter, StrengthBelowOneStepShowsNothing)
{
    EXPECT_FALSE(is_visible(0));
    EXPECT_FALSE(is_visible(0.001));
    EXPECT_TRUE(is_visible(0.01));
    EXPECT_TRUE(is_visible(1));
}

// The painting is multiplied by the ratio of mean lumas, weights .299 .587 .114.
TEST(FramePainter, BrightnessIsMatchedByTheRatioOfLumas)
{
    struct Case {
        const char *what;
        Colour photo;
        Colour painting;
        Colour expected;
    };
    const Case cases[] = {
        {"a muted painting", {100, 100, 100}, {80, 80, 80}, {100, 100, 100}},
        {"one too bright", {80, 80, 80}, {100, 100, 100}, {80, 80, 80}},
        {"luma 78.58, ratio 1.2726", {100, 100, 100}, {60, 80, 120}, {76, 102, 153}},
        {"a channel at its end", {200, 200, 200}, {120, 120, 250}, {178, 178, 255}},
        {"at most twice", {200, 200, 200}, {50, 50, 50}, {100, 100, 100}},
        {"at least half", {10, 10, 10}, {200, 200, 200}, {100, 100, 100}},
        {"black stays black", {200, 200, 200}, {0, 0, 0}, {0, 0, 0}},
        {"less than a level: as it is", {200, 200, 200}, {200, 200, 199}, {200, 200, 199}},
    };
    for (const Case &c : cases) {
        SCOPED_TRACE(c.what);
        EXPECT_EQ(painted(c.photo, c.painting, {.match_tone = ToneMatch::mean}), c.expected);
    }
}

TEST(FramePainter, MatchingTwiceIsMatchingOnce)
{
    for (const Colour painting : {Colour{60, 80, 120}, Colour{30, 200, 90}, Colour{120, 120, 250}}) {
        const Colour once = painted({100, 140, 90}, painting, {.match_tone = ToneMatch::mean});
        const Colour twice = painted({100, 140, 90}, once, {.match_tone = ToneMatch::mean});
        for (std::size_t c = 0; c < 3; ++c)
            EXPECT_NEAR(once[c], twice[c], 1);
    }
}

TEST(FramePainter, ToneIsMatchedUnlessTheStyleGradesForItself)
{
    struct Case {
        ToneMatch wanted;
        bool graded;
        Colour expected;
    };
    const Colour as_painted = {80, 80, 80};
    const Colour matched = {100, 100, 100};
    const Case cases[] = {
        {ToneMatch::automatic, false, matched}, {ToneMatch::automatic, true, as_painted},
        {ToneMatch::mean, true, matched},       {ToneMatch::full, true, matched},
        {ToneMatch::off, false, as_painted},
    };
    for (const Case &c : cases) {
        const auto painter = flat_painter(as_painted);
        painter->set_graded(c.graded);
        Picture out(3, 2);
        FramePainter().paint(*painter, Picture(3, 2, matched).view(), out.image(), {.match_tone = c.wanted},
                             never);
        EXPECT_TRUE(out.is_flat(c.expected)) << static_cast<int>(c.wanted) << c.graded;
    }
}

TEST(FramePainter, ABlackFrameStaysBlackWhateverTheStyle)
{
    for (const bool graded : {false, true}) {
        const auto painter = flat_painter({85, 80, 110});
        painter->set_graded(graded);
        Picture out(3, 2);
        FramePainter().paint(*painter, Picture(3, 2, {0, 0, 0}).view(), out.image(), {}, never);
        EXPECT_TRUE(out.is_flat({0, 0, 0})) << graded;
    }
}

TEST(FramePainter, LargeFramesArePaintedAtTheMaximumDimension)
{
    struct Case {
        int width, height, pixel, max_dimension;
        int painted_width, painted_height;
    };
    const Case cases[] = {
        {640, 480, 3, 0, 640, 480},   {640, 480, 4, 640, 640, 480},
        {640, 480, 4, 320, 320, 240}, {1921, 1081, 3, 512, 512, 288},
        {300, 1000, 3, 100, 30, 100}, {1000, 1, 3, 100, 100, 1},
        {1, 1, 3, 1, 1, 1},           {7, 5, 4, 1, 1, 1},
        {5000, 3, 3, 1, 1, 1},
    };
    for (const Case &c : cases) {
        SCOPED_TRACE(std::to_string(c.width) + "x" + std::to_string(c.height));
        const Picture in(c.width, c.height, {10, 20, 30}, c.pixel, 1);
        Picture out(c.width, c.height, {}, c.pixel, 5);
        const auto painter = inverting_painter();
        FrameSettings settings = plain;
        settings.max_dimension = c.max_dimension;
        const FrameStats stats = FramePainter().paint(*painter, in.view(), out.image(), settings, never);
        EXPECT_EQ(painter->width, c.painted_width);
        EXPECT_EQ(painter->height, c.painted_height);
        EXPECT_EQ(stats.painted_width, c.painted_width);
        EXPECT_EQ(stats.painted_height, c.painted_height);
        EXPECT_TRUE(out.is_flat({245, 235, 225}));
        EXPECT_TRUE(out.gaps_are_untouched());
    }
}

// Down and up again: a smooth picture comes back where it was, without a shift.
TEST(FramePainter, ScalingKeepsSmoothPicturesInPlace)
{
    Picture in(200, 120);
    in.fill([](int x, int y) { return Colour{std::uint8_t(x), std::uint8_t(2 * y), std::uint8_t(200 - x)}; });
    Picture out(200, 120);
    const auto painter = copying_painter();
    FrameSettings settings = plain;
    settings.max_dimension = 50;
    FramePainter().paint(*painter, in.view(), out.image(), settings, never);
    for (int y = 8; y < 112; ++y)
        for (int x = 8; x < 192; ++x)
            for (std::size_t c = 0; c < 3; ++c)
                ASSERT_NEAR(out.at(x, y)[c], in.at(x, y)[c], 2) << x << "," << y;
}

// Area down: a fine checkerboard becomes grey, and not a pattern of its own.
TEST(Resize, FineDetailIsAveraged)
{
    Picture in(256, 256);
    in.fill([](int x, int y) { return (x + y) % 2 ? Colour{255, 255, 255} : Colour{0, 0, 0}; });
    Picture out(32, 32);
    resize(in.view(), out.image());
    for (int i = 0; i < 32; ++i)
        EXPECT_NEAR(out.at(i, i)[0], 127.5, 2);
}

TEST(FramePainter, AlphaIsThatOfThePhoto)
{
    Picture in(5, 3, {10, 20, 30}, 4, 4);
    for (int y = 0; y < 3; ++y)
        for (int x = 0; x < 5; ++x)
            in.image().at(x, y)[3] = std::uint8_t(50 * y + x);
    for (const double strength : {0.0, 0.5, 1.0}) {
        Picture out(5, 3, {}, 4, 8);
        const auto painter = flat_painter({30, 40, 50});
        FramePainter().paint(*painter, in.view(), out.image(), plain, never);
        finish_frame(in.view(), out.image(), strength);
        EXPECT_EQ(out.at(4, 2), (Colour{std::uint8_t(10 + 20 * strength), std::uint8_t(20 + 20 * strength),
                                        std::uint8_t(30 + 20 * strength)}));
        for (int y = 0; y < 3; ++y)
            for (int x = 0; x < 5; ++x)
                EXPECT_EQ(out.image().at(x, y)[3], 50 * y + x);
        EXPECT_TRUE(out.gaps_are_untouched());
    }
}

/// Two frames, each flat, painted with smoothing; what the second one becomes.
Colour second_frame(Colour photo1, Colour painting1, Colour photo2, Colour painting2, double smoothing)
{
    FramePainter frames;
    FrameSettings settings = plain;
    settings.temporal_smoothing = smoothing;
    Picture out(2, 2);
    const auto paint = [&](Colour photo, Colour painting) {
        const Picture in(2, 2, photo);
        frames.paint(*flat_painter(painting), in.view(), out.image(), settings, never);
        frames.steady(in.view(), out.image(), smoothing);
    };
    paint(photo1, painting1);
    EXPECT_TRUE(out.is_flat(painting1)) << "the first frame has nothing to be smoothed with";
    paint(photo2, painting2);
    return out.at(1, 1);
}

TEST(FramePainter, SmoothingKeepsThePaintingWhereThePhotoStays)
{
    struct Case {
        const char *what;
        Colour photo2;
        double smoothing;
        Colour expected;
    };
    // The paintings are 100 and 200; the photo of the first frame is 50.
    const Case cases[] = {
        {"none", {50, 50, 50}, 0, {200, 200, 200}},
        {"the same photo", {50, 50, 50}, 0.5, {150, 150, 150}},
        {"the same photo, more", {50, 50, 50}, 0.75, {125, 125, 125}},
        {"as good as the same", {50, 54, 46}, 0.5, {150, 150, 150}},
        {"two thirds of the way to the limit", {50, 58, 50}, 0.75, {150, 150, 150}},
        {"half of the way", {50, 60, 50}, 0.5, {175, 175, 175}},
        {"the limit", {50, 50, 34}, 0.5, {200, 200, 200}},
        {"motion", {150, 50, 50}, 0.5, {200, 200, 200}},
    };
    for (const Case &c : cases) {
        SCOPED_TRACE(c.what);
        EXPECT_EQ(second_frame({50, 50, 50}, {100, 100, 100}, c.photo2, {200, 200, 200}, c.smoothing),
                  c.expected);
    }
}

// Every kernel that this CPU can run, for each size of pixel, at each place in a vector: against the plain
// one.
TEST(SmoothRow, AllKernelsAgree)
{
    std::mt19937 random(1);
    SmoothWeights weights;
    for (std::size_t i = 0; i < weights.size(); ++i)
        weights[i] = static_cast<std::uint8_t>(243 - 15 * i);
    for (const int pixel : {3, 4}) {
        for (const int width : {1, 2, 4, 5, 6, 16, 31, 100}) {
            SCOPED_TRACE(std::to_string(width) + " of " + std::to_string(pixel));
            Picture photo(width, 1, {}, pixel);
            Picture last_photo(width, 1, {}, pixel);
            Picture last_painting(width, 1, {}, pixel);
            Picture painting(width, 1, {}, pixel, 7);
            const auto any = [&](int, int) {
                return Colour{std::uint8_t(random()), std::uint8_t(random()), std::uint8_t(random())};
            };
            for (Picture *picture : {&photo, &last_painting, &painting})
                picture->fill(any);
            last_photo.fill([&](int x, int) {
                Colour near = photo.at(x, 0);
                for (std::uint8_t &channel : near)
                    channel =
                        static_cast<std::uint8_t>(std::clamp<int>(channel + int(random() % 39) - 19, 0, 255));
                return near;
            });
            const auto smoothed = [&](SmoothRow row) {
                Picture out = painting;
                row({photo.view().row(0), last_photo.view().row(0), last_painting.view().row(0)},
                    out.image().row(0), width, pixel, weights);
                EXPECT_TRUE(out.gaps_are_untouched());
                return out;
            };
            const Picture expected = smoothed(smooth_rows().back());
            for (const SmoothRow row : smooth_rows()) {
                const Picture out = smoothed(row);
                for (int x = 0; x < width; ++x)
                    ASSERT_EQ(out.at(x, 0), expected.at(x, 0)) << x;
            }
        }
    }
}

// A level more or less is noise: it must not come and go.
TEST(FramePainter, SmoothingKeepsTheLastPaintingOnATie)
{
    for (const std::uint8_t level : {99, 101})
        EXPECT_EQ(second_frame({50, 50, 50}, {100, 100, 100}, {50, 50, 50}, {level, level, level}, 0.5),
                  (Colour{100, 100, 100}));
}

TEST(FramePainter, SmoothingStartsOverAfterForgetAndAtAnotherSize)
{
    FramePainter frames;
    FrameSettings settings = plain;
    settings.temporal_smoothing = 0.5;
    const auto paint = [&](int width, std::uint8_t level) {
        const Picture in(width, 2, {50, 50, 50});
        Picture out(width, 2);
        frames.paint(*flat_painter({level, level, level}), in.view(), out.image(), settings, never);
        frames.steady(in.view(), out.image(), settings.temporal_smoothing);
        return int{out.at(0, 0)[0]};
    };
    EXPECT_EQ(paint(2, 100), 100);
    EXPECT_EQ(paint(2, 200), 150);
    EXPECT_EQ(paint(3, 200), 200);
    frames.forget();
    EXPECT_EQ(paint(3, 100), 100);
}

} // namespace
} // namespace anime
