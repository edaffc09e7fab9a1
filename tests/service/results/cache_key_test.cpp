// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/results/cache_key.h"

#include <gtest/gtest.h>

namespace anime::service
{

TEST(CacheKey, DependsOnEverythingThatMakesThePicture)
{
    const PaintOptions options;
    const std::string key = cache_key("input", "model", options);
    EXPECT_EQ(key.size(), 64u);
    EXPECT_EQ(key, cache_key("input", "model", options));
    EXPECT_NE(key, cache_key("other", "model", options));
    EXPECT_NE(key, cache_key("input", "other", options));
    PaintOptions other;
    other.style = "x";
    EXPECT_NE(key, cache_key("input", "model", other));
    other = {};
    other.strength = 0.5;
    EXPECT_NE(key, cache_key("input", "model", other));
    other = {};
    other.faces = false;
    EXPECT_NE(key, cache_key("input", "model", other));
    other = {};
    other.format = "png";
    EXPECT_NE(key, cache_key("input", "model", other));
    other = {};
    other.pipeline = "y";
    EXPECT_NE(key, cache_key("input", "model", other));
}

} // namespace anime::service
