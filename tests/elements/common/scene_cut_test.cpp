// SPDX-License-Identifier: LGPL-2.1-or-later
// What is a cut, and what is motion, light or noise.
#include "elements/common/scene_cut.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <vector>

namespace anime
{
namespace
{

using Level = std::function<int(int x, int y)>;

class SceneCuts : public testing::Test
{
protected:
    bool cut(const Level &level, int width = 160, int height = 90)
    {
        std::vector<std::uint8_t> pixels;
        for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x)
                pixels.insert(pixels.end(), 3, static_cast<std::uint8_t>(std::clamp(level(x, y), 0, 255)));
        return cut_.is_cut({pixels.data(), width, height, std::ptrdiff_t{3} * width, 3});
    }

    SceneCut cut_;
};

int hills(int x, int y)
{
    return 40 + 150 * (y < 45 - (x - 80) * (x - 80) / 300);
}

TEST_F(SceneCuts, AnotherPictureIsACut)
{
    EXPECT_FALSE(cut(hills)) << "the first";
    EXPECT_TRUE(cut([](int x, int) { return x < 80 ? 200 : 30; }));
    EXPECT_FALSE(cut([](int x, int) { return x < 80 ? 200 : 30; }));
    EXPECT_TRUE(cut(hills));
}

TEST_F(SceneCuts, MotionIsNone)
{
    for (int i = 0; i < 20; ++i)
        EXPECT_FALSE(cut([i](int x, int y) { return hills(x + 4 * i, y); })) << i;
}

TEST_F(SceneCuts, AFadeIsNone)
{
    for (int i = 0; i <= 12; ++i)
        EXPECT_FALSE(cut([i](int x, int y) { return hills(x, y) * (12 - i) / 12; })) << i;
}

TEST_F(SceneCuts, NoiseInTheDarkIsNone)
{
    std::mt19937 random(1);
    for (int i = 0; i < 10; ++i)
        EXPECT_FALSE(cut([&](int, int) { return static_cast<int>(random() % 30); })) << i;
}

TEST_F(SceneCuts, AnySizeIsRead)
{
    EXPECT_FALSE(cut([](int, int) { return 0; }, 1, 1));
    EXPECT_TRUE(cut([](int, int) { return 255; }, 1, 1));
    EXPECT_TRUE(cut([](int, int) { return 0; }, 7, 300));
    cut_.forget();
    EXPECT_FALSE(cut([](int, int) { return 255; }));
}

} // namespace
} // namespace anime
