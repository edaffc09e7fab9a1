// SPDX-License-Identifier: LGPL-2.1-or-later
// Work for several items at once: their order, what fails, what is dropped.
#include "elements/animeganfilter/work_line.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <stdexcept>
#include <thread>

namespace anime
{
namespace
{

struct Item {
    int number = 0;
    std::thread::id worker = {};
};

std::unique_ptr<Item> item(int number)
{
    return std::make_unique<Item>(Item{number});
}

TEST(WorkLine, WithoutThreadsWhoTakesAnItemOutWorks)
{
    WorkLine<Item> line([](Item &one) { one.worker = std::this_thread::get_id(); });
    line.push(item(1));
    line.push(item(2));
    for (const int number : {1, 2}) {
        const auto out = line.pop();
        EXPECT_EQ(out->number, number);
        EXPECT_EQ(out->worker, std::this_thread::get_id());
    }
    EXPECT_TRUE(line.empty());
}

TEST(WorkLine, ThreadsWorkAtTheSameTime)
{
    std::latch all(3);
    WorkLine<Item> line([&all](Item &) { all.arrive_and_wait(); }); // for ever, were there fewer
    line.set_threads(3);
    for (int i = 0; i < 3; ++i)
        line.push(item(i));
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(line.pop()->number, i);
}

TEST(WorkLine, ItemsComeOutInTheirOrderWhicheverIsDoneFirst)
{
    std::latch last_done(1);
    WorkLine<Item> line([&last_done](Item &one) {
        if (one.number == 2)
            last_done.count_down();
        else
            last_done.wait();
    });
    line.set_threads(3);
    for (int i = 0; i < 3; ++i)
        line.push(item(i));
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(line.pop()->number, i);
}

TEST(WorkLine, WhatFailsFailsInItsPlace)
{
    for (const unsigned threads : {0U, 2U}) {
        SCOPED_TRACE(threads);
        WorkLine<Item> line([](Item &one) {
            if (one.number == 1)
                throw std::domain_error("the second");
        });
        line.set_threads(threads);
        for (int i = 0; i < 3; ++i)
            line.push(item(i));
        EXPECT_EQ(line.pop()->number, 0);
        EXPECT_THROW(line.pop(), std::domain_error);
        EXPECT_EQ(line.pop()->number, 2);
    }
}

// What nobody has begun is not begun any more; what has begun has ended.
TEST(WorkLine, ClearDropsWhatIsInLineAndWaitsForTheRest)
{
    std::atomic<int> inside = 0;
    std::atomic<int> done = 0;
    std::latch begun(2);
    std::atomic<bool> end = false;
    WorkLine<Item> line([&](Item &) {
        ++inside;
        begun.count_down();
        while (!end)
            std::this_thread::yield();
        --inside;
        ++done;
    });
    line.set_threads(2);
    for (int i = 0; i < 5; ++i)
        line.push(item(i));
    begun.wait();
    std::thread ender([&end] { end = true; });
    line.clear();
    EXPECT_EQ(inside, 0);
    EXPECT_TRUE(line.empty());
    ender.join();
    const int of_before = done;
    EXPECT_GE(of_before, 2);
    line.push(item(7));
    EXPECT_EQ(line.pop()->number, 7);
    EXPECT_EQ(done, of_before + 1);
}

TEST(WorkLine, TheNumberOfThreadsMayChange)
{
    std::atomic<int> done = 0;
    WorkLine<Item> line([&done](Item &) { ++done; });
    int pushed = 0;
    for (const unsigned threads : {3U, 1U, 0U, 2U, 0U}) {
        SCOPED_TRACE(threads);
        line.set_threads(threads);
        for (int i = 0; i < 20; ++i)
            line.push(item(pushed++));
        for (int i = 20; i > 0; --i)
            EXPECT_EQ(line.pop()->number, pushed - i);
    }
    EXPECT_EQ(done, pushed);
}

} // namespace
} // namespace anime
