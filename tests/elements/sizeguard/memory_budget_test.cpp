// SPDX-License-Identifier: LGPL-2.1-or-later
// Large images of one process wait for each other's memory, and for nothing else.
#include "elements/sizeguard/memory_budget.h"
#include "tests/elements/sizeguard/guard_fixture.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace anime::test
{

namespace
{

void wait_for_line(const MemoryBudget &budget, std::size_t length)
{
    while (budget.waiting() != length)
        std::this_thread::yield();
}

/// Takes a share in a thread of its own.
class Taker
{
public:
    Taker(MemoryBudget &budget, std::uint64_t bytes, std::uint64_t limit)
        : share_(std::make_unique<MemoryBudget::Share>(budget)), thread_([this, bytes, limit] {
              granted_ = share_->take(bytes, limit, cancellation_);
              done_ = true;
          })
    {
    }
    ~Taker() { end(); }

    void cancel() { cancellation_.set_stopping(true); }
    bool done() const { return done_; }
    bool granted()
    {
        if (thread_.joinable())
            thread_.join();
        return granted_;
    }
    void end()
    {
        granted();
        share_.reset();
    }

private:
    Cancellation cancellation_;
    std::unique_ptr<MemoryBudget::Share> share_;
    std::atomic<bool> granted_ = false;
    std::atomic<bool> done_ = false;
    std::thread thread_;
};

} // namespace

TEST(MemoryBudget, WhatFitsBesideOthersDoesNotWait)
{
    MemoryBudget budget;
    Taker a(budget, 60, 100);
    EXPECT_TRUE(a.granted());
    Taker b(budget, 40, 100);
    EXPECT_TRUE(b.granted());
}

TEST(MemoryBudget, WhatDoesNotFitWaitsUntilItsTurn)
{
    MemoryBudget budget;
    Taker a(budget, 60, 100);
    ASSERT_TRUE(a.granted());
    Taker b(budget, 50, 100);
    wait_for_line(budget, 1);
    Taker c(budget, 30, 100); // would fit, but came later
    wait_for_line(budget, 2);
    EXPECT_FALSE(b.done() || c.done());
    a.end();
    EXPECT_TRUE(b.granted());
    EXPECT_TRUE(c.granted());
}

TEST(MemoryBudget, WhatExceedsItsOwnLimitStillGetsItsTurnAlone)
{
    MemoryBudget budget;
    Taker a(budget, 200, 100);
    EXPECT_TRUE(a.granted());
    Taker b(budget, 60, 100);
    wait_for_line(budget, 1);
    a.end();
    EXPECT_TRUE(b.granted());
}

TEST(MemoryBudget, SmallImagesAndThoseWithoutALimitDoNotWait)
{
    MemoryBudget budget;
    Taker a(budget, 100, 100);
    ASSERT_TRUE(a.granted());
    Taker b(budget, 50, 100);
    wait_for_line(budget, 1);
    EXPECT_TRUE(Taker(budget, 5, 100).granted());
    EXPECT_TRUE(Taker(budget, 0, 100).granted());
    EXPECT_TRUE(Taker(budget, 1000, 0).granted());
    EXPECT_FALSE(b.done());
    a.end();
    EXPECT_TRUE(b.granted());
}

TEST(MemoryBudget, WhoeverIsCancelledLeavesTheLine)
{
    MemoryBudget budget;
    Taker a(budget, 60, 100);
    ASSERT_TRUE(a.granted());
    Taker b(budget, 50, 100);
    wait_for_line(budget, 1);
    Taker c(budget, 30, 100);
    wait_for_line(budget, 2);
    b.cancel();
    EXPECT_FALSE(b.granted());
    EXPECT_TRUE(c.granted()) << "nobody is before it any more";
}

TEST(MemoryBudget, IsSharedByTheImagesOfTheProcess)
{
    const Data progressive = make_image({.suffix = ".jpg[interlace]"}); // 12 KiB of coefficients
    Limits limits;
    limits.max_memory = 16 << 10;
    const MemoryBudget &budget = MemoryBudget::of_process();
    const auto decode = [](ImageGuard &guard) {
        Data pixels(64 * 48 * 3);
        const auto failure = guard.decode({pixels.data(), 64, 48, 64 * 3, 3});
        return failure ? failure->code : std::string("ok");
    };
    for (const bool cancelled : {false, true}) {
        Cancellation cancellations[2];
        auto first = std::make_unique<ImageGuard>(limits, cancellations[0]);
        ImageGuard second(limits, cancellations[1]);
        for (ImageGuard *guard : {first.get(), &second}) {
            ASSERT_FALSE(guard->feed(progressive));
            ASSERT_FALSE(guard->finish());
        }
        EXPECT_EQ(decode(*first), "ok"); // and holds its memory as long as it lives
        std::string outcome;
        std::thread thread([&] { outcome = decode(second); });
        wait_for_line(budget, 1);
        EXPECT_EQ(run_guard(make_image({}), limits).code(), "ok") << "an ordinary JPEG waits for nobody";
        if (cancelled)
            cancellations[1].set_stopping(true);
        else
            first.reset();
        thread.join();
        EXPECT_EQ(outcome, cancelled ? "cancelled" : "ok");
        EXPECT_EQ(second.info().waited > 0, !cancelled);
    }
}

} // namespace anime::test
