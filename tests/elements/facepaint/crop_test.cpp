// SPDX-License-Identifier: LGPL-2.1-or-later
// The square around a face: its geometry, the way out of the frame and back, the soft edge.
#include "elements/facepaint/crop.h"
#include "fake_detector.h"
#include "test_picture.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <tuple>

namespace anime
{
namespace
{

TEST(Crop, IsTheExpandedBoxAroundTheFacesCentre)
{
    Face face = face_at(100, 50, 40);
    face.height = 60;
    const Crop crop = crop_around(face, 1.5, 0.25);
    EXPECT_DOUBLE_EQ(crop.centre.x, 120);
    EXPECT_DOUBLE_EQ(crop.centre.y, 80);
    EXPECT_DOUBLE_EQ(crop.side, 90) << "of the longer side";
    EXPECT_DOUBLE_EQ(crop.angle, 0.25);
}

TEST(Crop, AlignedToPixelsHasWholeEdges)
{
    for (const double side : {40.0, 40.4, 40.6, 41.0}) {
        const Crop crop = aligned_to_pixels({{100.3, 77.8}, side, 0});
        const double left = crop.centre.x - crop.side / 2;
        const double top = crop.centre.y - crop.side / 2;
        EXPECT_EQ(left, std::round(left));
        EXPECT_EQ(top, std::round(top));
        EXPECT_EQ(crop.side, std::round(side));
        EXPECT_LE(std::abs(crop.centre.x - 100.3), 0.5);
    }
}

// At its own size each pixel comes out as it is, and goes back as it is.
TEST(Crop, OutAndBackAtItsOwnSizeIsExact)
{
    const TestPicture frame(50, 40, 4, texture);
    const Crop crop{{21.5, 18.5}, 15, 0};
    const Canvas canvas(15, 15);
    take_out(frame.view(), crop, canvas.image);
    for (int y = 0; y < 15; ++y)
        for (int x = 0; x < 15; ++x)
            for (int c = 0; c < 3; ++c)
                ASSERT_EQ(canvas.image.at(x, y)[c], frame.view().at(14 + x, 11 + y)[c]);

    const Patch patch = put_back(as_const(canvas.image), crop, 50, 40, 0.3);
    ASSERT_EQ(patch.x, 14);
    ASSERT_EQ(patch.y, 11);
    ASSERT_EQ(patch.width, 15);
    ASSERT_EQ(patch.height, 15);
    for (int y = 0; y < 15; ++y) {
        for (int x = 0; x < 15; ++x) {
            const std::uint8_t *pixel = patch.image().at(x, y);
            for (int c = 0; c < 3 && pixel[3] > 0; ++c)
                ASSERT_EQ(pixel[c], frame.view().at(14 + x, 11 + y)[c]);
        }
    }
}

// A gradient is the same gradient when it is enlarged, turned and put back: nothing shifts by half a pixel.
TEST(Crop, OutAndBackKeepsPlaces)
{
    const auto ramp = [](int x, int y, int c) { return c == 0 ? 2 * x : c == 1 ? 2 * y : 100; };
    const TestPicture frame(100, 100, 3, ramp);
    for (const double angle : {0.0, 0.3, -1.0, std::numbers::pi / 2}) {
        for (const int side : {30, 64, 101}) {
            const Crop crop{{52.25, 47.5}, 30, angle};
            const Canvas canvas(side, side);
            take_out(frame.view(), crop, canvas.image);
            const Patch patch = put_back(as_const(canvas.image), crop, 100, 100, 0.2);
            const int x = 52 - patch.x;
            const int y = 47 - patch.y;
            for (const auto &[dx, dy] : {std::pair{0, 0}, {8, 0}, {0, 8}, {-7, -7}}) {
                const std::uint8_t *pixel = patch.image().at(x + dx, y + dy);
                EXPECT_NEAR(pixel[0], 2 * (52 + dx), 1) << "angle " << angle << ", side " << side;
                EXPECT_NEAR(pixel[1], 2 * (47 + dy), 1) << "angle " << angle << ", side " << side;
                EXPECT_EQ(pixel[2], 100);
            }
        }
    }
}

// A face that leans by the angle stands upright on the canvas.
TEST(Crop, TurnsAgainstTheAngle)
{
    // A line that falls to the right by 45 degrees.
    const TestPicture frame(64, 64, 3, [](int x, int y, int) { return std::abs(x - y) <= 2 ? 255 : 0; });
    const Canvas canvas(32, 32);
    take_out(frame.view(), {{32, 32}, 32, std::numbers::pi / 4}, canvas.image);
    for (int x = 0; x < 32; ++x) {
        EXPECT_GT(canvas.image.at(x, 16)[0], 200) << "the line is level";
        EXPECT_EQ(canvas.image.at(x, 4)[0], 0);
        EXPECT_EQ(canvas.image.at(x, 28)[0], 0);
    }
}

// What is not turned is taken out by a shorter way, with the same pixels.
TEST(Crop, UprightIsAsTurnedByNothing)
{
    for (const int pixel : {3, 4}) {
        const TestPicture frame(50, 40, pixel, texture);
        for (const auto &[x, y, side] :
             {std::tuple{20.3, 17.8, 21.0}, {1.0, 38.0, 30.0}, {25.0, 20.0, 90.0}}) {
            const Canvas upright(32, 32);
            const Canvas turned(32, 32);
            take_out(frame.view(), {{x, y}, side, 0}, upright.image);
            take_out(frame.view(), {{x, y}, side, 1e-9}, turned.image);
            for (std::size_t i = 0; i < upright.bytes.size(); ++i)
                ASSERT_NEAR(upright.bytes[i], turned.bytes[i], 1) << i;
        }
    }
}

// Outside of the frame its border repeats; the patch ends at the frame.
TEST(Crop, OverhangsEdgesAndCorners)
{
    const TestPicture frame(20, 20, 3, [](int x, int, int) { return x < 10 ? 10 : 200; });
    struct Case {
        Point centre;
        int x, y, width, height;
    };
    const Case cases[] = {
        {{0, 0}, 0, 0, 8, 8},   {{20, 0}, 12, 0, 8, 8},   {{0, 20}, 0, 12, 8, 8},   {{20, 20}, 12, 12, 8, 8},
        {{0, 10}, 0, 2, 8, 16}, {{10, 20}, 2, 12, 16, 8}, {{10, 10}, 2, 2, 16, 16},
    };
    for (const Case &c : cases) {
        const Crop crop{c.centre, 16, 0};
        const Canvas canvas(16, 16);
        take_out(frame.view(), crop, canvas.image);
        EXPECT_EQ(canvas.image.at(0, 8)[0], c.centre.x < 18 ? 10 : 200);
        EXPECT_EQ(canvas.image.at(15, 8)[0], c.centre.x > 2 ? 200 : 10);
        const Patch patch = put_back(as_const(canvas.image), crop, 20, 20, 0.5);
        EXPECT_EQ(patch.x, c.x);
        EXPECT_EQ(patch.y, c.y);
        EXPECT_EQ(patch.width, c.width);
        EXPECT_EQ(patch.height, c.height);
    }
}

TEST(Crop, LargerThanTheFrame)
{
    const TestPicture frame(5, 3, 3, texture);
    const Crop crop{{2, 1}, 40, 0.5};
    const Canvas canvas(16, 16);
    take_out(frame.view(), crop, canvas.image);
    const Patch patch = put_back(as_const(canvas.image), crop, 5, 3, 0.5);
    EXPECT_EQ(patch.width, 5);
    EXPECT_EQ(patch.height, 3);
}

TEST(Crop, BesideTheFrameGivesNoPatch)
{
    const Canvas canvas(16, 16);
    EXPECT_TRUE(put_back(as_const(canvas.image), {{-40, 5}, 16, 0}, 20, 20, 0.5).rgba.empty());
    EXPECT_TRUE(put_back(as_const(canvas.image), {{5, 60}, 16, 0}, 20, 20, 0.5).rgba.empty());
}

// 1 in the middle, 0 at the border, never rising in between, and only as wide as asked for.
TEST(Feather, FallsToZeroAtTheBorder)
{
    for (const double feather : {0.0, 0.1, 0.5, 1.0}) {
        EXPECT_EQ(feather_alpha(0, feather), 1);
        EXPECT_EQ(feather_alpha(1, feather), 0);
        EXPECT_EQ(feather_alpha(1.4, feather), 0);
        double last = 1;
        for (double distance = 0; distance <= 1.0; distance += 0.01) {
            const double alpha = feather_alpha(distance, feather);
            EXPECT_LE(alpha, last);
            EXPECT_GE(alpha, 0);
            if (distance < 1 - feather) {
                EXPECT_EQ(alpha, 1);
            }
            last = alpha;
        }
    }
    EXPECT_DOUBLE_EQ(feather_alpha(0.75, 0.5), 0.5) << "half way";
}

// No pixel of the patch's border is opaque, so that no square can be seen.
TEST(Feather, LeavesThePatchsBorderTransparent)
{
    const Canvas canvas(64, 64);
    const Patch patch = put_back(as_const(canvas.image), {{50, 50}, 64, 0}, 100, 100, 0.5);
    for (int i = 0; i < 64; ++i) {
        EXPECT_LE(patch.image().at(i, 0)[3], 1);
        EXPECT_LE(patch.image().at(i, 63)[3], 1);
        EXPECT_LE(patch.image().at(0, i)[3], 1);
        EXPECT_LE(patch.image().at(63, i)[3], 1);
    }
    EXPECT_EQ(patch.image().at(32, 32)[3], 255);
}

} // namespace
} // namespace anime
