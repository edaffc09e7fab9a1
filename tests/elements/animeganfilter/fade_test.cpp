// SPDX-License-Identifier: LGPL-2.1-or-later
// A film that fades to black and comes back, painted in each style that ships: whatever a style makes of
// black in a picture, the fade ends there.
#include "elements/animeganfilter/frame_painter.h"
#include "models/weights/embedded.h"
#include "tests/elements/animeganfilter/picture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace anime
{
namespace
{

constexpr int side = 64;

/// Grass below a sky, and something white, at this part of their light.
Picture scene(double light)
{
    Picture picture(side, side);
    picture.fill([light](int x, int y) {
        const bool is_white = x > 40 && y > 20 && y < 30;
        const Colour colour = is_white       ? Colour{250, 250, 250}
                              : y < side / 2 ? Colour{90, 150, std::uint8_t(250 - y)}
                                             : Colour{std::uint8_t(40 + x), 120, 30};
        Colour dimmed;
        for (std::size_t c = 0; c < 3; ++c)
            dimmed[c] = static_cast<std::uint8_t>(std::lround(light * colour[c]));
        return dimmed;
    });
    return picture;
}

std::vector<std::string> styles()
{
    std::vector<std::string> names;
    for (const EmbeddedStyle &style : embedded_models())
        names.emplace_back(style.name);
    return names;
}

class FadeToBlack : public testing::TestWithParam<std::string>
{
};

TEST_P(FadeToBlack, StaysOneInEveryStyle)
{
    const auto painter = open_painter({.model = GetParam()});
    FramePainter frames;
    const std::atomic<bool> never = false;
    const auto painted = [&](double light) {
        const Picture photo = scene(light);
        Picture out(side, side);
        frames.paint(*painter, photo.view(), out.image(), {}, never);
        return mean_luma(out.view());
    };
    double last = painted(1);
    EXPECT_GT(last, 60) << "there is a picture";
    for (const double light : {.8, .6, .4, .3, .2, .1, .05, 0.}) {
        SCOPED_TRACE(light);
        const double now = painted(light);
        EXPECT_LT(now, last);
        if (light < .1) {
            EXPECT_NEAR(now, mean_luma(scene(light).view()), 2);
        }
        last = now;
    }
    EXPECT_EQ(last, 0);
    EXPECT_EQ(painted(0), 0) << "and stays black";
    EXPECT_NEAR(painted(.05), mean_luma(scene(.05).view()), 2) << "and comes back";
}

INSTANTIATE_TEST_SUITE_P(Styles, FadeToBlack, testing::ValuesIn(styles()), [](const auto &info) {
    std::string name = info.param;
    std::ranges::replace(name, '-', '_');
    return name;
});

} // namespace
} // namespace anime
