// SPDX-License-Identifier: LGPL-2.1-or-later
// Our own painter: what its looks promise, on pictures whose answer is known.
#include "models/training/painter/colour.h"
#include "models/training/painter/looks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

using namespace anime::training;

namespace
{

struct Rgb {
    int r, g, b;
};

std::vector<std::uint8_t> picture(int width, int height, const std::function<Rgb(int x, int y)> &colour)
{
    std::vector<std::uint8_t> bytes;
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
            const Rgb c = colour(x, y);
            for (const int v : {c.r, c.g, c.b})
                bytes.push_back(static_cast<std::uint8_t>(v));
        }
    }
    return bytes;
}

std::vector<std::uint8_t> paint(const LookName &look, const std::vector<std::uint8_t> &rgb, int width,
                                int height)
{
    std::vector<std::uint8_t> out(rgb.size());
    to_rgb(look.paint(draw(from_rgb(rgb.data(), width, height))), out.data());
    return out;
}

Rgb at(const std::vector<std::uint8_t> &rgb, int width, int x, int y)
{
    const std::size_t i =
        3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x));
    return {rgb[i], rgb[i + 1], rgb[i + 2]};
}

int luma(Rgb c)
{
    return (299 * c.r + 587 * c.g + 114 * c.b) / 1000;
}

double hue(Rgb c)
{
    const std::uint8_t bytes[] = {static_cast<std::uint8_t>(c.r), static_cast<std::uint8_t>(c.g),
                                  static_cast<std::uint8_t>(c.b)};
    const Lab lab = from_rgb(bytes, 1, 1)[0];
    return std::atan2(lab[2], lab[1]) * 180 / 3.14159265;
}

/// Half of one colour, half of another, with a soft texture that depends on nothing but the place.
Rgb two_halves(int x, int y)
{
    const int wave = static_cast<int>(6 * std::sin(0.9 * x) * std::cos(0.7 * y));
    return x < 48 ? Rgb{200 + wave, 180 + wave, 60 + wave} : Rgb{40 + wave, 60 + wave, 120 + wave};
}

const LookName &look(const char *name)
{
    for (const LookName &known : looks()) {
        if (std::string_view(known.name) == name)
            return known;
    }
    throw std::runtime_error(name);
}

TEST(Painter, RoundsEveryColourBackToItself)
{
    const auto colours = picture(64, 64, [](int x, int y) { return Rgb{4 * x, 4 * y, (x * y) % 256}; });
    std::vector<std::uint8_t> back(colours.size());
    to_rgb(from_rgb(colours.data(), 64, 64), back.data());
    for (std::size_t i = 0; i < colours.size(); ++i)
        EXPECT_NEAR(back[i], colours[i], 1) << i;
}

TEST(Painter, PaintsPicturesOfOnePixelAndOneRow)
{
    for (const LookName &style : looks()) {
        for (const auto &[width, height] :
             {std::pair(1, 1), std::pair(7, 1), std::pair(1, 9), std::pair(3, 2)}) {
            const auto photo = picture(width, height, [](int, int) { return Rgb{120, 90, 70}; });
            EXPECT_EQ(paint(style, photo, width, height).size(), photo.size()) << style.name;
        }
    }
}

// The student sees windows and a thumbnail: what depends on more than a neighbourhood it could never learn.
TEST(Painter, NothingDependsOnPixelsFarAway)
{
    constexpr int width = 320;
    constexpr int height = 48;
    const auto photo = picture(width, height, two_halves);
    const auto changed = picture(width, height, [](int x, int y) {
        return x < 240 ? two_halves(x, y) : Rgb{(x * 37 + y * 11) % 256, (x * 5) % 256, 255 - (y * 5) % 256};
    });
    for (const LookName &style : looks()) {
        const auto one = paint(style, photo, width, height);
        const auto other = paint(style, changed, width, height);
        for (int y = 0; y < height; ++y) {
            for (int x = 0; x < 120; ++x)
                EXPECT_EQ(luma(at(one, width, x, y)), luma(at(other, width, x, y))) << style.name << " " << x;
        }
    }
}

TEST(Painter, DrawsADarkLineWhereTwoShapesMeet)
{
    const auto photo = picture(96, 96, two_halves);
    for (const char *name : {"aozora", "sunset", "pastel", "ink"}) {
        const auto painted = paint(look(name), photo, 96, 96);
        int darkest = 255;
        for (int x = 42; x < 54; ++x)
            darkest = std::min(darkest, luma(at(painted, 96, x, 48)));
        EXPECT_LT(darkest, luma(at(painted, 96, 80, 48))) << name;
    }
}

TEST(Painter, FlattensTextureButKeepsShapes)
{
    const auto photo = picture(96, 96, two_halves);
    const auto painted = paint(look("aozora"), photo, 96, 96);
    const auto spread = [](const std::vector<std::uint8_t> &rgb) {
        int low = 255;
        int high = 0;
        for (int y = 30; y < 60; ++y) {
            for (int x = 8; x < 36; ++x) {
                low = std::min(low, luma(at(rgb, 96, x, y)));
                high = std::max(high, luma(at(rgb, 96, x, y)));
            }
        }
        return high - low;
    };
    EXPECT_LT(spread(painted), spread(photo));
    EXPECT_GT(luma(at(painted, 96, 20, 48)), luma(at(painted, 96, 80, 48)) + 60);
}

TEST(Painter, BlackStaysBlackAndWhiteWhite)
{
    for (const char *name : {"aozora", "ink"}) {
        const auto black = paint(look(name), picture(40, 40, [](int, int) { return Rgb{0, 0, 0}; }), 40, 40);
        const auto white = paint(look(name),
                                 picture(40, 40,
                                         [](int, int) {
                                             return Rgb{255, 255, 255};
                                         }),
                                 40, 40);
        EXPECT_LT(luma(at(black, 40, 20, 20)), 16) << name;
        EXPECT_GT(luma(at(white, 40, 20, 20)), 242) << name;
    }
}

TEST(Painter, KeepsSkinOfEveryTone)
{
    const struct {
        const char *what;
        Rgb colour;
    } tones[] = {{"pale", {241, 209, 190}}, {"light", {224, 172, 145}}, {"olive", {198, 150, 112}},
                 {"brown", {150, 100, 70}}, {"dark", {98, 62, 44}},     {"deep", {66, 42, 32}}};
    for (const auto &tone : tones) {
        const auto painted =
            paint(look("aozora"), picture(48, 48, [&](int, int) { return tone.colour; }), 48, 48);
        const Rgb after = at(painted, 48, 24, 24);
        EXPECT_NEAR(hue(after), hue(tone.colour), 6) << tone.what;
        EXPECT_NEAR(luma(after), luma(tone.colour), 0.05 * 255) << tone.what;
    }
}

TEST(Painter, BluesNeverGoNeon)
{
    const auto painted = paint(look("aozora"),
                               picture(48, 48,
                                       [](int, int) {
                                           return Rgb{20, 60, 250};
                                       }),
                               48, 48);
    const Rgb after = at(painted, 48, 24, 24);
    const std::uint8_t bytes[] = {static_cast<std::uint8_t>(after.r), static_cast<std::uint8_t>(after.g),
                                  static_cast<std::uint8_t>(after.b)};
    const Lab lab = from_rgb(bytes, 1, 1)[0];
    EXPECT_LT(std::hypot(lab[1], lab[2]), 62);
}

TEST(Painter, InkHasNoColour)
{
    const auto painted = paint(look("ink"), picture(96, 96, two_halves), 96, 96);
    for (std::size_t i = 0; i < painted.size(); i += 3) {
        EXPECT_NEAR(painted[i], painted[i + 1], 1);
        EXPECT_NEAR(painted[i], painted[i + 2], 1);
    }
}

} // namespace
