// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/api/rate_limiter.h"

#include <gtest/gtest.h>

namespace anime::service
{

class RateLimiterTest : public testing::Test
{
protected:
    RateLimiter::Time at(int milliseconds) const
    {
        return RateLimiter::Time(std::chrono::milliseconds(1000000 + milliseconds));
    }
};

TEST_F(RateLimiterTest, AllowsABurstThenTheRate)
{
    RateLimiter limiter(60, 3); // one a second
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(limiter.take("a", at(0)).count(), 0);
    EXPECT_EQ(limiter.take("a", at(0)).count(), 1000);
    EXPECT_EQ(limiter.take("a", at(600)).count(), 400) << "a refused try costs nothing";
    EXPECT_EQ(limiter.take("a", at(1000)).count(), 0);
    EXPECT_GT(limiter.take("a", at(1000)).count(), 0);
}

TEST_F(RateLimiterTest, NeverSavesUpMoreThanTheBurst)
{
    RateLimiter limiter(60, 2);
    limiter.take("a", at(0));
    EXPECT_EQ(limiter.take("a", at(3600000)).count(), 0);
    EXPECT_EQ(limiter.take("a", at(3600000)).count(), 0);
    EXPECT_GT(limiter.take("a", at(3600000)).count(), 0);
}

TEST_F(RateLimiterTest, CountsClientsApartInBoundedMemory)
{
    RateLimiter limiter(60, 1, 3);
    EXPECT_EQ(limiter.take("a", at(0)).count(), 0);
    EXPECT_EQ(limiter.take("b", at(0)).count(), 0);
    EXPECT_GT(limiter.take("a", at(1)).count(), 0);
    for (const char *client : {"c", "d", "e"})
        EXPECT_EQ(limiter.take(client, at(2)).count(), 0);
    EXPECT_EQ(limiter.clients(), 3u);
}

} // namespace anime::service
