// SPDX-License-Identifier: LGPL-2.1-or-later
// A device's slot paints one picture after the other, on one thread for all who call, and lets go of those
// who were cancelled.
#include "models/executors/slot.h"

#include "models/error.h"

#include <gtest/gtest.h>
#include <omp.h>
#include <sched.h>

#include <array>
#include <future>
#include <latch>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

namespace anime
{
namespace
{

const std::atomic<bool> never = false;

TEST(Slot, RunsEveryCallersWorkOnOneThreadWithTheirNumberOfThreads)
{
    Slot slot;
    std::atomic<int> inside = 0;
    std::set<std::thread::id> seen; // written by the slot's thread alone
    std::vector<std::thread> callers;
    for (int i = 0; i < 8; ++i)
        callers.emplace_back([&, i] {
            for (int n = 0; n < 20; ++n)
                slot.run(1 + i, never, [&](unsigned) {
                    EXPECT_EQ(++inside, 1);
                    EXPECT_EQ(omp_get_max_threads(), 1 + i);
                    seen.insert(std::this_thread::get_id());
                    --inside;
                });
        });
    for (auto &caller : callers)
        caller.join();
    EXPECT_EQ(seen.size(), 1U);
    EXPECT_FALSE(seen.contains(std::this_thread::get_id()));
}

TEST(Slot, CancelEndsTheWaitAndLeavesTheSlotToOthers)
{
    Slot slot;
    std::atomic<bool> cancel = false;
    std::promise<void> begun;
    std::promise<void> go_on;
    auto painting = std::async(std::launch::async, [&] {
        slot.run(1, never, [&](unsigned) {
            begun.set_value();
            go_on.get_future().wait();
        });
    });
    begun.get_future().wait();
    auto waiting = std::async(
        std::launch::async, [&] { slot.run(1, cancel, [](unsigned) { ADD_FAILURE() << "was cancelled"; }); });
    cancel = true;
    try {
        waiting.get();
        ADD_FAILURE() << "did not say so";
    } catch (const Error &error) {
        EXPECT_EQ(error.code(), "cancelled");
    }
    go_on.set_value();
    painting.get();
    EXPECT_NO_THROW(slot.run(1, never, [](unsigned) {}));
}

TEST(Slot, ThrowsToTheCallerWhatTheWorkThrows)
{
    Slot slot;
    EXPECT_THROW(slot.run(1, never, [](unsigned) { throw std::domain_error("out of paint"); }),
                 std::domain_error);
    EXPECT_NO_THROW(slot.run(1, never, [](unsigned) {}));
}

TEST(Slot, HasWorkersThatWorkAtTheSameTimeEachOnItsOwn)
{
    Slot slot(2);
    std::latch both(2);
    std::array<std::atomic<int>, 2> inside{};
    const auto paint = [&] {
        slot.run(1, never, [&](unsigned worker) {
            both.arrive_and_wait(); // for ever, were there one worker
            EXPECT_LT(worker, 2U);
            EXPECT_EQ(++inside.at(worker), 1);
        });
    };
    auto first = std::async(std::launch::async, paint);
    paint();
    first.get();
}

TEST(Slot, IsOneForEachDevice)
{
    const auto cpu = Slot::of("cpu");
    EXPECT_EQ(Slot::of("cpu"), cpu);
    EXPECT_NE(Slot::of("cuda:0"), cpu);
}

// A container or taskset leaves a process fewer cores than the machine has.
TEST(UsableCores, AreThoseThatTheProcessMayUse)
{
    cpu_set_t all;
    ASSERT_EQ(sched_getaffinity(0, sizeof all, &all), 0);
    EXPECT_EQ(usable_cores(), static_cast<unsigned>(CPU_COUNT(&all)));
    int first = 0;
    while (!CPU_ISSET(first, &all))
        ++first;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    EXPECT_EQ(usable_cores(), 1U);
    EXPECT_EQ(sched_setaffinity(0, sizeof all, &all), 0);
}

} // namespace
} // namespace anime
