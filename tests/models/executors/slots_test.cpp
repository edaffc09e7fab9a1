// SPDX-License-Identifier: LGPL-2.1-or-later
// Slots bound how many paint at once, serve in order, and let go of those who were cancelled.
#include "models/executors/slots.h"

#include "models/error.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <thread>
#include <vector>

namespace anime
{
namespace
{

TEST(Slots, NeverHoldsMoreThanItsNumber)
{
    Slots slots(2);
    const std::atomic<bool> never = false;
    std::atomic<int> inside = 0;
    std::atomic<int> most = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&] {
            for (int n = 0; n < 50; ++n) {
                const Slots::Lease lease = slots.acquire(never);
                const int now = ++inside;
                int seen = most;
                while (now > seen && !most.compare_exchange_weak(seen, now)) {
                }
                std::this_thread::yield();
                --inside;
            }
        });
    for (auto &thread : threads)
        thread.join();
    EXPECT_EQ(inside, 0);
    EXPECT_LE(most, 2);
}

TEST(Slots, CancelEndsTheWaitAndLeavesTheSlotToOthers)
{
    Slots slots(1);
    const std::atomic<bool> never = false;
    std::atomic<bool> cancel = false;
    {
        const Slots::Lease held = slots.acquire(never);
        auto waiting = std::async(std::launch::async, [&] { slots.acquire(cancel); });
        cancel = true;
        try {
            waiting.get();
            FAIL();
        } catch (const Error &error) {
            EXPECT_EQ(error.code(), "cancelled");
        }
    }
    EXPECT_NO_THROW(slots.acquire(never));
    EXPECT_THROW(slots.acquire(cancel), Error) << "a cancelled picture does not begin";
    EXPECT_NO_THROW(slots.acquire(never));
}

} // namespace
} // namespace anime
