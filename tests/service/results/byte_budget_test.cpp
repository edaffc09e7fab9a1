// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/results/byte_budget.h"

#include <gtest/gtest.h>

namespace anime::service
{

TEST(ByteBudget, BoundsAllTogether)
{
    ByteBudget budget(100, 100);
    EXPECT_EQ(budget.take("a", 60), std::nullopt);
    EXPECT_EQ(budget.take("b", 50), 100u) << "the limit that is in the way";
    EXPECT_EQ(budget.used(), 60u) << "what was refused doesn't count";
    budget.give_back("a", 60);
    EXPECT_EQ(budget.take("b", 50), std::nullopt);
}

TEST(ByteBudget, LeavesRoomForOtherClients)
{
    ByteBudget budget(100, 25);
    EXPECT_EQ(budget.take("a", 20), std::nullopt);
    EXPECT_EQ(budget.take("a", 10), 25u);
    EXPECT_EQ(budget.take("b", 25), std::nullopt);
    EXPECT_EQ(budget.take("a", 5), std::nullopt);
    budget.give_back("a", 25);
    EXPECT_EQ(budget.take("a", 25), std::nullopt);
    EXPECT_EQ(budget.used(), 50u);
}

} // namespace anime::service
