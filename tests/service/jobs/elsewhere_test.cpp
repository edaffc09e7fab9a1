// SPDX-License-Identifier: LGPL-2.1-or-later
// A board whose jobs wait somewhere else, which tells later whether it takes them and what becomes of them.
#include "service/jobs/board.h"

#include <gtest/gtest.h>

namespace anime::service
{

namespace
{

/// Remembers what it was told.
class FarQueue final : public Queue
{
public:
    struct Said {
        std::vector<std::string> put, joined, left;
        std::vector<bool> last;
        std::optional<Problem> refusal;
    };
    explicit FarQueue(Said &said) : said_(said) {}

    std::optional<Problem> refusal(int) const override { return said_.refusal; }
    bool immediate() const override { return false; }
    void put(const RunPtr &, const Entrant &first) override { said_.put.push_back(first.job.id); }
    void join(const RunPtr &, const Entrant &another) override { said_.joined.push_back(another.job.id); }
    void leave(const RunPtr &, const JobView &job, bool last) override
    {
        said_.left.push_back(job.id);
        said_.last.push_back(last);
    }
    RunPtr take() override { return nullptr; }
    void clear() override {}
    std::size_t size() const override { return 0; }
    std::size_t position(const Run &) const override { return 0; }
    std::uint64_t moves() const override { return 0; }
    std::optional<std::chrono::steady_clock::time_point> oldest() const override { return std::nullopt; }

private:
    Said &said_;
};

struct CountingWaker : Waker {
    void wake() override { ++count; }
    int count = 0;
};

PicturePtr picture()
{
    auto picture = std::make_shared<Picture>();
    picture->data = std::make_shared<const Bytes>(3);
    return picture;
}

class ElsewhereTest : public testing::Test
{
protected:
    NewJob job(const std::string &key) const
    {
        NewJob job;
        job.request_id = "request-" + key;
        job.key = key;
        job.input = std::make_shared<const Bytes>(10);
        return job;
    }
    JobView submit(const NewJob &job) { return *board_.submit(job, now_, wall_).job; }
    JobView view(const std::string &id) const { return *board_.find(id); }
    /// The run that a job of this key shares.
    RunPtr run_of(const std::string &key)
    {
        JobView another;
        another.id = "to-look-" + std::to_string(looks_++);
        another.key = key;
        return board_.adopt(another, std::make_shared<anime::service::Run>(),
                            now_ + std::chrono::seconds(60));
    }

    JobBoard::Steady now_{std::chrono::seconds(1000)};
    JobBoard::Wall wall_{std::chrono::seconds(1700000000)};
    FarQueue::Said said_;
    JobBoard board_{{2, 8, std::chrono::seconds(100), std::chrono::seconds(60), 100},
                    std::make_unique<FarQueue>(said_)};
    int looks_ = 0;
};

} // namespace

TEST_F(ElsewhereTest, AJobWaitsUntilTheQueueHasTakenIt)
{
    const JobView made = submit(job("a"));
    EXPECT_FALSE(made.accepted);
    EXPECT_EQ(said_.put, std::vector{made.id});
    const auto waker = std::make_shared<CountingWaker>();
    board_.listen(made.id, waker);
    board_.accepted(made.id);
    EXPECT_TRUE(view(made.id).accepted);
    EXPECT_EQ(waker->count, 1);
}

TEST_F(ElsewhereTest, WhatTheQueueRefusesIsToldAndForgotten)
{
    NewJob upload = job("a");
    upload.attached = true;
    upload.idempotency_key = "key";
    const JobView made = submit(upload);
    const auto waker = std::make_shared<CountingWaker>();
    board_.listen(made.id, waker);
    board_.refuse(made.id, make_problem("queue-full", "", ""), wall_);
    EXPECT_EQ(waker->count, 1);
    EXPECT_TRUE(view(made.id).refused);
    EXPECT_EQ(view(made.id).problem->code, "queue-full");
    EXPECT_TRUE(said_.left.empty()) << "the queue knows it";
    board_.detach(made.id, wall_);
    board_.tick(now_, wall_ + std::chrono::seconds(10));
    EXPECT_FALSE(board_.find(made.id));
    EXPECT_NE(submit(upload).id, made.id) << "its Idempotency-Key is free";
}

TEST_F(ElsewhereTest, AQueueOutOfReachRefusesAtOnce)
{
    said_.refusal = make_problem("broker-gone", "", "");
    EXPECT_EQ(board_.submit(job("a"), now_, wall_).problem->code, "broker-gone");
    EXPECT_TRUE(said_.put.empty());
    EXPECT_EQ(board_.load(now_).jobs, 0u);
}

TEST_F(ElsewhereTest, RunsAsTheQueueTells)
{
    const JobView first = submit(job("a"));
    const JobView second = submit(job("a"));
    EXPECT_EQ(said_.joined, std::vector{second.id});
    const RunPtr run = run_of("a");
    board_.started(run, wall_);
    EXPECT_EQ(view(first.id).state, JobState::running);
    EXPECT_EQ(board_.load(now_).running, 1u);
    board_.started(run, wall_);
    EXPECT_EQ(board_.load(now_).running, 1u) << "told twice";
    board_.progress(run, "paint", 0.5);
    EXPECT_EQ(view(second.id).stage, "paint");
    board_.finish(run, picture(), wall_);
    EXPECT_EQ(view(first.id).state, JobState::succeeded);
    EXPECT_EQ(view(second.id).state, JobState::succeeded);
    EXPECT_EQ(board_.load(now_).running, 0u);
}

TEST_F(ElsewhereTest, TheQueueIsToldOfEachJobThatLeaves)
{
    const JobView first = submit(job("a"));
    const JobView second = submit(job("a"));
    board_.cancel(first.id, wall_);
    board_.tick(now_ + std::chrono::seconds(60), wall_);
    EXPECT_EQ(said_.left, (std::vector{first.id, second.id}));
    EXPECT_EQ(said_.last, (std::vector{false, true}));
    EXPECT_EQ(view(second.id).problem->code, "deadline");
}

TEST_F(ElsewhereTest, IsCancelledWhereAnotherServerWasToldTo)
{
    const JobView made = submit(job("a"));
    const RunPtr run = run_of("a");
    board_.started(run, wall_);
    board_.called_off(run, wall_);
    EXPECT_EQ(view(made.id).state, JobState::cancelled);
    EXPECT_EQ(board_.load(now_).running, 0u);
    EXPECT_TRUE(said_.left.empty()) << "the queue knows it";
}

TEST_F(ElsewhereTest, AdoptsTheJobsOfOthers)
{
    JobView theirs;
    theirs.id = "theirs";
    theirs.key = "a";
    theirs.state = JobState::running;
    theirs.stage = "faces";
    const auto fresh = std::make_shared<anime::service::Run>();
    fresh->key = "a";
    const RunPtr run = board_.adopt(theirs, fresh, now_ + std::chrono::seconds(60));
    EXPECT_EQ(run, fresh);
    EXPECT_EQ(view("theirs").state, JobState::running);
    EXPECT_EQ(view("theirs").stage, "faces");
    EXPECT_FALSE(board_.adopt(theirs, fresh, now_)) << "known already";
    const JobView mine = submit(job("a"));
    EXPECT_EQ(mine.state, JobState::running) << "joins it";
    EXPECT_EQ(said_.joined, std::vector{mine.id});
    board_.finish(run, picture(), wall_);
    EXPECT_EQ(view(mine.id).state, JobState::succeeded);

    JobView old;
    old.id = "old";
    old.key = "b";
    old.state = JobState::cancelled;
    old.expires = wall_ + std::chrono::seconds(1);
    board_.adopt(old, nullptr, {});
    EXPECT_EQ(view("old").state, JobState::cancelled);
    board_.tick(now_, wall_ + std::chrono::seconds(1));
    EXPECT_FALSE(board_.find("old")) << "it expires as it would have there";
}

TEST_F(ElsewhereTest, AnIdempotencyKeyMayStandForAJobOfAnother)
{
    NewJob upload = job("a");
    upload.attached = true;
    const JobView mine = submit(upload);
    JobView theirs;
    theirs.id = "theirs";
    theirs.key = "b";
    auto fresh = std::make_shared<anime::service::Run>();
    fresh->key = "b";
    board_.adopt(theirs, fresh, now_ + std::chrono::seconds(60));
    board_.redirect(mine.id, "theirs", wall_);
    EXPECT_EQ(view(mine.id).same_as, "theirs");
    board_.finish(fresh, picture(), wall_);
    board_.tick(now_, wall_ + std::chrono::seconds(1000));
    EXPECT_TRUE(board_.find("theirs")) << "whoever was attached to the one is attached to the other";
    board_.detach("theirs", wall_);
    board_.tick(now_, wall_ + std::chrono::seconds(1000));
    EXPECT_FALSE(board_.find("theirs"));
}

} // namespace anime::service
