// SPDX-License-Identifier: LGPL-2.1-or-later
// The photo's light on the painting: distributions of luma, the curve between two, and the curve in video.
#include "elements/animeganfilter/tone.h"
#include "elements/animeganfilter/tone_row.h"
#include "tests/elements/animeganfilter/picture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace anime
{
namespace
{

Colour grey(double level)
{
    const auto byte = static_cast<std::uint8_t>(std::lround(std::clamp(level, 0.0, 255.0)));
    return {byte, byte, byte};
}

/// 256×64: a ramp between two levels, from left to right.
Picture ramp(double from, double to)
{
    Picture picture(256, 64);
    picture.fill([=](int x, int) { return grey(from + (to - from) * x / 255); });
    return picture;
}

double level_at(const Picture &picture, int x)
{
    return picture.at(x, 0)[0];
}

TEST(Luma, IsCountedOfEveryPixelOfASmallPicture)
{
    Picture picture(5, 3, {255, 0, 0}, 4, 3);
    std::copy_n(Colour{0, 255, 0}.begin(), 3, picture.image().at(4, 2));
    LumaCounts expected{};
    expected[76] = 14; // 38 / 128 · 255
    expected[149] = 1; // 75 / 128 · 255
    EXPECT_EQ(count_luma(picture.view()), expected);
}

TEST(Luma, IsCountedOfEvenlySpacedPixelsOfALargePicture)
{
    struct Case {
        int width, height;
        double mean;
    };
    for (const auto &[width, height, mean] :
         {Case{2000, 1500, 99.5}, {1, 300000, 50}, {300000, 1, 50}, {7, 90000, 92.9}}) {
        SCOPED_TRACE(std::to_string(width) + "x" + std::to_string(height));
        Picture picture(width, height);
        picture.fill([width = width, height = height](int x, int y) {
            return grey(100.0 * x / width + 100.0 * y / height);
        });
        const LumaCounts counts = count_luma(picture.view());
        std::uint64_t pixels = 0;
        for (const std::uint32_t count : counts)
            pixels += count;
        EXPECT_GE(pixels, 30'000U);
        EXPECT_LE(pixels, 70'000U);
        EXPECT_NEAR(percentile(counts, .5), mean, .6);
        EXPECT_NEAR(mean_luma(picture.view()), mean, .6);
    }
}

TEST(Luma, PercentilesLieBetweenLevels)
{
    LumaCounts counts{};
    counts[10] = 100;
    counts[20] = 300;
    EXPECT_DOUBLE_EQ(percentile(counts, .125), 10);
    EXPECT_DOUBLE_EQ(percentile(counts, .25), 10.5);
    EXPECT_DOUBLE_EQ(percentile(counts, .625), 20);
    EXPECT_DOUBLE_EQ(percentile(counts, 1), 20.5);
}

TEST(Luma, DistanceIsHowFarLightMoved)
{
    const auto counts = [](std::size_t level) {
        LumaCounts one{};
        one[level] = 7;
        return one;
    };
    EXPECT_DOUBLE_EQ(distance(counts(10), counts(10)), 0);
    EXPECT_DOUBLE_EQ(distance(counts(10), counts(50)), 40);
    EXPECT_DOUBLE_EQ(distance(counts(255), counts(0)), 255);
}

// The fault that this is for: whites come out grey, and blacks too.
TEST(FullCurve, GivesAMutedPaintingThePhotosRange)
{
    const Picture photo = ramp(4, 247);
    Picture painting = ramp(36, 173);
    const ToneCurve curve = full_curve(count_luma(painting.view()), count_luma(photo.view()));
    apply_tone(painting.image(), curve);
    for (int x = 4; x < 252; ++x)
        ASSERT_NEAR(level_at(painting, x), level_at(photo, x), 3) << x;
    EXPECT_LT(distance(count_luma(painting.view()), count_luma(photo.view())), 1.5);
}

TEST(FullCurve, NeverFallsAndStaysWithinItsBounds)
{
    // Distributions of all kinds against each other: flat, two levels, noise, ramps, black, white.
    std::vector<LumaCounts> all;
    for (const auto &[from, to] :
         {std::pair{0., 0.}, {255., 255.}, {0., 255.}, {3., 9.}, {100., 101.}, {250., 255.}})
        all.push_back(count_luma(ramp(from, to).view()));
    std::mt19937 random(1);
    for (int i = 0; i < 20; ++i) {
        LumaCounts counts{};
        for (int level = 0; level < 12; ++level)
            counts[random() % 256] += random() % 1000 + 1;
        all.push_back(counts);
    }
    for (const LumaCounts &painting : all) {
        for (const LumaCounts &photo : all) {
            const ToneCurve curve = full_curve(painting, photo);
            EXPECT_EQ(curve[0], 0);
            for (std::size_t level = 1; level < 256; ++level) {
                ASSERT_GE(curve[level], curve[level - 1] - 1e-3F) << level;
                ASSERT_LE(curve[level], 2.0F * level);
                ASSERT_LE(curve[level], 255.01F);
            }
        }
    }
}

TEST(FullCurve, OfOneColourIsExact)
{
    struct Case {
        const char *what;
        Colour photo;
        Colour painting;
        Colour expected;
    };
    const Case cases[] = {
        {"muted", grey(100), grey(80), grey(100)},
        {"too bright", grey(80), grey(100), grey(80)},
        {"a black frame stays black", grey(0), grey(40), grey(0)},
        {"what was painted black has nothing to be enlarged", grey(200), grey(0), grey(0)},
        {"at most twice", grey(200), grey(50), grey(100)},
        {"hue stays, chroma goes along", grey(100), {60, 80, 120}, {76, 101, 152}},
        {"the same", {10, 200, 30}, {10, 200, 30}, {10, 200, 30}},
    };
    for (const Case &c : cases) {
        SCOPED_TRACE(c.what);
        Picture painting(4, 4, c.painting);
        ToneMatcher().match(Picture(4, 4, c.photo).view(), painting.image(), ToneMatch::full);
        EXPECT_TRUE(painting.is_flat(c.expected));
    }
}

// Noise of one or two levels, as of a lens with its cap on, stays as small as it was.
TEST(FullCurve, DoesNotBlowUpTheNoiseOfADarkFrame)
{
    std::mt19937 random(1);
    Picture photo(64, 64);
    photo.fill([&](int, int) { return grey(random() % 3); });
    Picture painting(64, 64);
    painting.fill([&](int, int) { return grey(12 + random() % 9); });
    ToneMatcher().match(photo.view(), painting.image(), ToneMatch::full);
    for (int y = 0; y < 64; ++y)
        for (int x = 0; x < 64; ++x)
            ASSERT_LE(painting.at(x, y)[0], 6);
}

// Where the painting is nearly one colour and the photo is not, differences become at most four times as
// large.
TEST(FullCurve, BoundsItsSlope)
{
    const ToneCurve curve = full_curve(count_luma(ramp(126, 132).view()), count_luma(ramp(0, 255).view()));
    EXPECT_NEAR(curve[129], 127.5, 3);
    EXPECT_NEAR(curve[132] - curve[126], 4 * 6, 4);
}

TEST(FactorCurve, GoesFromAHalfToTwo)
{
    struct Case {
        double painting, photo, expected;
    };
    for (const Case &c : {Case{80, 100, 1.25}, {200, 10, .5}, {50, 200, 2}, {0, 200, 1}, {200, 200.5, 1}})
        EXPECT_NEAR(factor_curve(c.painting, c.photo)[200], 200 * c.expected, 1e-3);
}

// From black, where the photo is shown, to what is visible in the dark, where the painting is.
TEST(Fade, ShowsMoreOfThePaintingTheLighterTheBrightestIs)
{
    struct Case {
        double brightest;
        int shown;
    };
    // The brightest 0.5 % of one level begin half a level above its middle: 256 · 0.5 / 80.
    for (const Case &c : {Case{0, 0}, {15, 0}, {36, 64 + 2}, {56, 128 + 2}, {96, 256}, {255, 256}}) {
        SCOPED_TRACE(c.brightest);
        EXPECT_EQ(shown_in_the_dark(count_luma(Picture(16, 16, grey(c.brightest)).view())), c.shown);
    }
}

// A dark room with a lamp in it is no fade.
TEST(Fade, IsNoneWhereOnePartInAHundredIsBright)
{
    Picture night(100, 100, grey(5));
    night.fill([](int, int y) { return grey(y == 0 ? 120 : 5); });
    EXPECT_EQ(shown_in_the_dark(count_luma(night.view())), 256);
}

// Of a style whose black is nearly white, as watercolour on paper has it.
TEST(Fade, EndsInThePhotosBlackAndNeverTurnsBack)
{
    ToneMatcher tone;
    double last = 256;
    for (int photo = 128; photo >= 0; --photo) {
        Picture out(8, 8, grey(85 + .66 * photo));
        tone.match(Picture(8, 8, grey(photo)).view(), out.image(), ToneMatch::fade);
        EXPECT_LE(level_at(out, 0), last) << photo;
        EXPECT_GE(level_at(out, 0), photo);
        last = level_at(out, 0);
        if (photo < 16) {
            EXPECT_EQ(last, photo);
        }
    }
    EXPECT_EQ(last, 0);
}

TEST(Fade, LeavesWhatIsLightAsItWasPainted)
{
    const Picture photo(8, 8, grey(97));
    Picture out(8, 8, {30, 200, 100});
    ToneMatcher().match(photo.view(), out.image(), ToneMatch::fade);
    EXPECT_TRUE(out.is_flat({30, 200, 100}));
}

// Every kernel that this CPU can run, for each size of pixel, also beside the blocks: against one sum.
TEST(ToneRow, MultipliesEveryPixelByTheGainOfItsLuma)
{
    ToneCurve curve;
    for (std::size_t level = 0; level < 256; ++level)
        curve[level] = 255 * std::pow(static_cast<float>(level) / 255, .7F);
    const ToneGains gains = gains_of(curve);
    std::mt19937 random(1);
    const auto noise = [&](int, int) {
        return Colour{std::uint8_t(random()), std::uint8_t(random()), std::uint8_t(random())};
    };
    const auto check = [&](ToneRow row, int width, int pixel) {
        Picture picture(width, 1, {}, pixel, 5);
        picture.fill(noise);
        const Picture before = picture;
        row(picture.image().row(0), width, pixel, gains);
        for (int x = 0; x < width; ++x) {
            const std::uint8_t *from = before.view().at(x, 0);
            const int luma = luma_of(from[0], from[1], from[2]);
            const double gain = luma ? curve[static_cast<std::size_t>(luma)] / luma : curve[1];
            for (int c = 0; c < 3; ++c)
                ASSERT_NEAR(picture.view().at(x, 0)[c], std::min(255.0, from[c] * gain), .6) << x;
            if (pixel == 4) {
                ASSERT_EQ(picture.view().at(x, 0)[3], from[3]) << x;
            }
        }
        EXPECT_TRUE(picture.gaps_are_untouched());
    };
    for (std::size_t i = 0; i < tone_rows().size(); ++i)
        for (const int pixel : {3, 4})
            for (const int width : {1, 2, 15, 16, 255, 256, 257, 700}) {
                SCOPED_TRACE(std::to_string(width) + " of " + std::to_string(pixel) + ", kernel " +
                             std::to_string(i));
                check(tone_rows()[i], width, pixel);
            }
}

/// What a matcher makes of a painting of one level, frame by frame.
class Video : public testing::Test
{
protected:
    double frame(double photo, double painting, ToneMatch how = ToneMatch::full)
    {
        Picture out(8, 8, grey(painting));
        tone_.match(Picture(8, 8, grey(photo)).view(), out.image(), how);
        return level_at(out, 0);
    }

    ToneMatcher tone_;
};

// The photo stays and the painter paints it darker: the curve goes a fifth of the way with each frame.
TEST_F(Video, ACurveMovesSmoothly)
{
    EXPECT_EQ(frame(100, 80), 100);
    EXPECT_EQ(frame(100, 80), 100);
    double last = frame(100, 70);
    EXPECT_NEAR(last, 90, 1);
    for (int i = 0; i < 20; ++i) {
        const double now = frame(100, 70);
        EXPECT_GE(now, last);
        EXPECT_LE(now - last, 2);
        last = now;
    }
    EXPECT_NEAR(last, 100, 1);
}

// The more the photo's light moves, the faster the curve follows it.
TEST_F(Video, ACurveFollowsThePhoto)
{
    EXPECT_EQ(frame(100, 80), 100);
    EXPECT_NEAR(frame(104, 80), 100 + .4 * 4, 1);
    EXPECT_NEAR(frame(116, 80), 101.6 + .8 * (116 - 101.6), 1);
}

TEST_F(Video, ACutStartsAnew)
{
    EXPECT_EQ(frame(100, 80), 100);
    EXPECT_EQ(frame(140, 100), 140);
    EXPECT_EQ(frame(60, 50), 60);
}

// A fade of one second, painted lighter and flatter than it is: never more than a few levels behind.
TEST_F(Video, AFadeStaysAFade)
{
    double last = 200;
    for (int i = 0; i <= 25; ++i) {
        const double photo = 200 - 8.0 * i;
        const double now = frame(photo, 30 + .6 * photo);
        EXPECT_NEAR(now, photo, 14) << i;
        EXPECT_LE(now, last);
        last = now;
    }
    for (int i = 0; i < 25; ++i)
        last = frame(0, 30);
    EXPECT_LE(last, 1) << "black in the end";
}

TEST_F(Video, AnotherWayAndForgettingStartAnew)
{
    EXPECT_EQ(frame(100, 80), 100);
    EXPECT_EQ(frame(110, 80, ToneMatch::mean), 110);
    EXPECT_EQ(frame(120, 80), 120);
    tone_.forget();
    EXPECT_EQ(frame(110, 80), 110);
}

} // namespace
} // namespace anime
