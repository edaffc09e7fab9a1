// SPDX-License-Identifier: LGPL-2.1-or-later
// How a patch gets the colours of the frame below it and how it is put there.
#include "elements/overlay/patch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace anime
{
namespace
{

using Pixel = std::array<std::uint8_t, 4>;

/// A patch whose pixels are chosen by a function of their place.
template <typename Choose>
Patch make_patch(int x, int y, int width, int height, Choose choose)
{
    Patch patch{.x = x, .y = y, .width = width, .height = height, .rgba = {}};
    for (int row = 0; row < height; ++row)
        for (int column = 0; column < width; ++column)
            for (const std::uint8_t byte : Pixel(choose(column, row)))
                patch.rgba.push_back(byte);
    return patch;
}

/// A frame of one colour with a stride that is no multiple of anything, and bytes behind each row that nobody
/// may touch.
struct Frame {
    static constexpr std::uint8_t untouched = 0xAA;

    Frame(int width, int height, int pixel, Pixel colour)
        : image{nullptr, width, height, width * std::ptrdiff_t{pixel} + 7, pixel}
    {
        bytes.assign(static_cast<std::size_t>(image.stride * height), untouched);
        image.data = bytes.data();
        for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x)
                std::copy_n(colour.begin(), pixel, image.at(x, y));
    }
    Pixel at(int x, int y) const
    {
        Pixel colour{};
        std::copy_n(image.at(x, y), image.pixel, colour.begin());
        return colour;
    }
    bool gaps_untouched() const
    {
        for (int y = 0; y < image.height; ++y)
            for (std::ptrdiff_t i = image.width * std::ptrdiff_t{image.pixel}; i < image.stride; ++i)
                if (image.row(y)[i] != untouched)
                    return false;
        return true;
    }

    std::vector<std::uint8_t> bytes;
    Image image;
};

// Alpha 0 keeps the frame, 255 takes the patch, between them the mean in proportion; outside nothing changes.
TEST(BlendPatch, MixesByAlpha)
{
    for (const int pixel : {3, 4}) {
        Frame frame(6, 3, pixel, {100, 100, 100, 77});
        const Patch patch = make_patch(2, 1, 3, 1, [](int x, int) {
            return Pixel{200, 0, 100, static_cast<std::uint8_t>(x == 0 ? 0 : x == 1 ? 255 : 51)};
        });
        blend_patch(frame.image, patch);

        const std::uint8_t fourth = pixel == 4 ? 77 : 0;
        EXPECT_EQ(frame.at(2, 1), (Pixel{100, 100, 100, fourth}));
        EXPECT_EQ(frame.at(3, 1), (Pixel{200, 0, 100, fourth}));
        EXPECT_EQ(frame.at(4, 1), (Pixel{120, 80, 100, fourth}));
        EXPECT_EQ(frame.at(5, 1), (Pixel{100, 100, 100, fourth}));
        EXPECT_EQ(frame.at(3, 0), (Pixel{100, 100, 100, fourth}));
        EXPECT_EQ(frame.at(3, 2), (Pixel{100, 100, 100, fourth}));
        EXPECT_TRUE(frame.gaps_untouched());
    }
}

// A patch that overhangs a corner is cut off there; one beside the frame changes nothing.
TEST(BlendPatch, IsCutOffAtTheFrame)
{
    const auto white = [](int, int) { return Pixel{255, 255, 255, 255}; };
    Frame frame(4, 4, 3, {0, 0, 0, 0});
    blend_patch(frame.image, make_patch(-2, -2, 3, 3, white));
    blend_patch(frame.image, make_patch(3, 3, 5, 5, white));
    blend_patch(frame.image, make_patch(4, 0, 3, 3, white));
    blend_patch(frame.image, make_patch(-9, 0, 3, 3, white));
    for (int y = 0; y < 4; ++y)
        for (int x = 0; x < 4; ++x)
            EXPECT_EQ(frame.at(x, y)[0], (x == 0 && y == 0) || (x == 3 && y == 3) ? 255 : 0) << x << ',' << y;
    EXPECT_TRUE(frame.gaps_untouched());
}

// A patch of one colour becomes the frame's colour.
TEST(MatchColours, FlatOnFlat)
{
    const Frame frame(8, 8, 3, {10, 128, 250, 0});
    Patch patch = make_patch(1, 1, 4, 4, [](int, int) { return Pixel{90, 90, 90, 200}; });
    match_colours(patch, as_const(frame.image));
    for (std::size_t i = 0; i < patch.rgba.size(); i += 4) {
        EXPECT_EQ(patch.rgba[i], 10);
        EXPECT_EQ(patch.rgba[i + 1], 128);
        EXPECT_EQ(patch.rgba[i + 2], 250);
        EXPECT_EQ(patch.rgba[i + 3], 200) << "alpha is not a colour";
    }
}

/// Left half one level, right half another.
Patch halves(std::uint8_t left, std::uint8_t right)
{
    return make_patch(0, 0, 8, 4, [=](int x, int) {
        const std::uint8_t level = x < 4 ? left : right;
        return Pixel{level, level, level, 255};
    });
}

// Mean and deviation become the frame's; the deviation at most doubles or halves.
TEST(MatchColours, MeanAndDeviation)
{
    struct Case {
        std::uint8_t patch[2];
        std::uint8_t frame[2];
        std::uint8_t expected[2];
    };
    const Case cases[] = {
        {{100, 120}, {100, 120}, {100, 120}}, // equal: nothing to do
        {{100, 120}, {50, 80}, {50, 80}},     // deviation 10 to 15, mean 110 to 65
        {{100, 120}, {0, 200}, {80, 120}},    // ten times the deviation: only twice
        {{50, 150}, {100, 102}, {76, 126}},   // a fiftieth of the deviation: only half
        {{100, 140}, {0, 0}, {0, 10}},        // -10 is no level
    };
    for (const Case &c : cases) {
        Frame frame(8, 4, 3, {0, 0, 0, 0});
        blend_patch(frame.image, halves(c.frame[0], c.frame[1]));
        Patch patch = halves(c.patch[0], c.patch[1]);
        match_colours(patch, as_const(frame.image));
        EXPECT_EQ(patch.image().at(0, 0)[0], c.expected[0]);
        EXPECT_EQ(patch.image().at(7, 3)[2], c.expected[1]);
    }
}

// Only what will be seen counts: not what is transparent, not what lies beside the frame.
TEST(MatchColours, IgnoresWhatIsNotSeen)
{
    const Frame frame(4, 4, 3, {40, 40, 40, 0});
    Patch patch = make_patch(-2, 0, 6, 2, [](int x, int) {
        if (x < 2)
            return Pixel{255, 255, 255, 255}; // beside the frame
        if (x == 2)
            return Pixel{0, 0, 0, 0}; // transparent
        return Pixel{100, 100, 100, 255};
    });
    match_colours(patch, as_const(frame.image));
    EXPECT_EQ(patch.image().at(4, 1)[0], 40);
}

// Nothing to compare with: the patch stays as it is.
TEST(MatchColours, BesideTheFrame)
{
    const Frame frame(4, 4, 3, {40, 40, 40, 0});
    Patch patch = make_patch(10, 10, 2, 2, [](int, int) { return Pixel{90, 90, 90, 255}; });
    match_colours(patch, as_const(frame.image));
    EXPECT_EQ(patch.rgba[0], 90);
}

} // namespace
} // namespace anime
