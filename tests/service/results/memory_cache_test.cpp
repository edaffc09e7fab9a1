// SPDX-License-Identifier: LGPL-2.1-or-later
// Pictures in memory: never more than allowed, the least recently used out first.
#include "service/results/memory_cache.h"

#include <gtest/gtest.h>

namespace anime::service
{

namespace
{

constexpr std::chrono::hours hour{1};

PicturePtr picture_of(std::size_t bytes)
{
    auto picture = std::make_shared<Picture>();
    picture->data = std::make_shared<const Bytes>(bytes);
    return picture;
}

} // namespace

TEST(MemoryCacheTest, DropsTheLeastRecentlyUsed)
{
    MemoryCache cache(100, hour);
    cache.put("a", picture_of(40), {});
    cache.put("b", picture_of(40), {});
    EXPECT_TRUE(cache.find("a", {}));
    cache.put("c", picture_of(40), {});
    EXPECT_TRUE(cache.find("a", {}));
    EXPECT_FALSE(cache.find("b", {})) << "a was used since";
    EXPECT_TRUE(cache.find("c", {}));
    EXPECT_EQ(cache.bytes(), 80u);
}

TEST(MemoryCacheTest, KeepsNothingLargerThanItself)
{
    MemoryCache cache(100, hour);
    cache.put("a", picture_of(60), {});
    cache.put("b", picture_of(101), {});
    EXPECT_TRUE(cache.find("a", {}));
    EXPECT_FALSE(cache.find("b", {}));
}

TEST(MemoryCacheTest, ReplacesAndShrinks)
{
    MemoryCache cache(100, hour);
    cache.put("a", picture_of(60), {});
    cache.put("a", picture_of(30), {});
    EXPECT_EQ(cache.bytes(), 30u);
    cache.put("b", picture_of(30), {});
    cache.shrink(40);
    EXPECT_EQ(cache.size(), 1u);
    EXPECT_TRUE(cache.find("b", {}));
}

TEST(MemoryCacheTest, ForgetsWhatNobodyAskedForInAnHour)
{
    MemoryCache cache(100, hour);
    const MemoryCache::Time start{};
    cache.put("a", picture_of(30), start);
    cache.put("b", picture_of(30), start);
    EXPECT_TRUE(cache.find("a", start + std::chrono::minutes(1)));
    cache.expire(start + std::chrono::minutes(60));
    EXPECT_TRUE(cache.find("a", start + std::chrono::minutes(60)));
    EXPECT_FALSE(cache.find("b", start + std::chrono::minutes(60)));
    cache.expire(start + std::chrono::minutes(120));
    EXPECT_EQ(cache.bytes(), 0u);
}

} // namespace anime::service
