// SPDX-License-Identifier: LGPL-2.1-or-later
// A device's slot paints one picture after the other, on one thread for all who call, and lets go of those
// who were cancelled.
#include "models/executors/slot.h"

#include "models/error.h"

#include <gtest/gtest.h>
#include <omp.h>
#include <sched.h>

#include <array>
#include <chrono>
#include <functional>
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
                slot.run({.threads = 1 + static_cast<unsigned>(i)}, never, [&](unsigned) {
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
        slot.run({}, never, [&](unsigned) {
            begun.set_value();
            go_on.get_future().wait();
        });
    });
    begun.get_future().wait();
    auto waiting = std::async(std::launch::async, [&] {
        slot.run({}, cancel, [](unsigned) { ADD_FAILURE() << "was cancelled"; });
    });
    cancel = true;
    try {
        waiting.get();
        ADD_FAILURE() << "did not say so";
    } catch (const Error &error) {
        EXPECT_EQ(error.code(), "cancelled");
    }
    go_on.set_value();
    painting.get();
    EXPECT_NO_THROW(slot.run({}, never, [](unsigned) {}));
}

TEST(Slot, ThrowsToTheCallerWhatTheWorkThrows)
{
    Slot slot;
    EXPECT_THROW(slot.run({}, never, [](unsigned) { throw std::domain_error("out of paint"); }),
                 std::domain_error);
    EXPECT_NO_THROW(slot.run({}, never, [](unsigned) {}));
}

TEST(Slot, HasWorkersThatWorkAtTheSameTimeEachOnItsOwn)
{
    Slot slot(2);
    std::latch both(2);
    std::array<std::atomic<int>, 2> inside{};
    const auto paint = [&] {
        slot.run({.at_once = 2}, never, [&](unsigned worker) {
            both.arrive_and_wait(); // for ever, were there one worker
            EXPECT_LT(worker, 2U);
            EXPECT_EQ(++inside.at(worker), 1);
        });
    };
    auto first = std::async(std::launch::async, paint);
    paint();
    first.get();
}

/// Work that tells when it has begun, and ends when it is told.
class Held
{
public:
    void operator()()
    {
        begun_.set_value();
        go_on_.get_future().wait();
    }
    void wait_until_begun() { begun_.get_future().wait(); }
    void let_go() { go_on_.set_value(); }

private:
    std::promise<void> begun_;
    std::promise<void> go_on_;
};

std::future<void> run_aside(Slot &slot, Slot::Share share, std::function<void()> work)
{
    return std::async(std::launch::async,
                      [&slot, share, work] { slot.run(share, never, [&](unsigned) { work(); }); });
}

// A picture for all threads is painted alone, whatever the others allow.
TEST(Slot, WhoWantsItForItselfHasItForItself)
{
    Slot slot(4);
    std::atomic<int> inside = 0;
    std::vector<std::thread> callers;
    for (unsigned i = 0; i < 8; ++i)
        callers.emplace_back([&, i] {
            const Slot::Share share{.threads = 1, .at_once = i % 2 ? 1U : 4U};
            for (int n = 0; n < 50; ++n)
                slot.run(share, never, [&](unsigned worker) {
                    EXPECT_LT(worker, 4U);
                    const int here = ++inside;
                    EXPECT_LE(here, static_cast<int>(share.at_once));
                    --inside;
                });
        });
    for (auto &caller : callers)
        caller.join();
}

// While many share the slot, one that wants it for itself does not wait for ever.
TEST(Slot, NobodyIsOvertaken)
{
    Slot slot(2);
    Held first;
    auto painting = run_aside(slot, {.at_once = 2}, [&] { first(); });
    first.wait_until_begun();
    std::atomic<bool> alone_done = false;
    std::atomic<bool> cancel = false;
    std::promise<void> queued;
    auto alone = std::async(std::launch::async, [&] {
        queued.set_value();
        slot.run({.at_once = 1}, never, [&](unsigned) { alone_done = true; });
    });
    queued.get_future().wait();
    // Whoever comes behind it is painted behind it. That it stands in the queue can't be seen from outside:
    // it has, once somebody who may share the slot finds no room.
    for (bool stands = false; !stands;) {
        cancel = false;
        auto probe = std::async(std::launch::async, [&] {
            try {
                slot.run({.at_once = 2}, cancel, [](unsigned) {});
                return false;
            } catch (const Error &) {
                return true;
            }
        });
        if (probe.wait_for(std::chrono::milliseconds(20)) == std::future_status::timeout)
            cancel = true;
        stands = probe.get();
    }
    EXPECT_FALSE(alone_done);
    auto behind = run_aside(slot, {.at_once = 2}, [&] { EXPECT_TRUE(alone_done); });
    first.let_go();
    painting.get();
    alone.get();
    behind.get();
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
