// SPDX-License-Identifier: LGPL-2.1-or-later
// The life of a job: its place, who shares it, its deadline, who is told, its end.
#include "tests/service/jobs/board_fixture.h"

namespace anime::service
{

namespace
{

struct CountingWaker : Waker {
    void wake() override { ++count; }
    int count = 0;
};

/// Memory of what it allocates that lives: a weak pointer keeps its control block.
template <typename T>
struct CountingAllocator {
    using value_type = T;
    explicit CountingAllocator(int *live) : live(live) {}
    template <typename Other>
    CountingAllocator(const CountingAllocator<Other> &other) : live(other.live)
    {
    }
    T *allocate(std::size_t count)
    {
        ++*live;
        return std::allocator<T>().allocate(count);
    }
    void deallocate(T *pointer, std::size_t count)
    {
        --*live;
        std::allocator<T>().deallocate(pointer, count);
    }
    bool operator==(const CountingAllocator &) const = default;
    int *live;
};

} // namespace

TEST_F(JobBoardTest, TellsThePlaceInTheQueue)
{
    const JobView first = submit(job("a"));
    const JobView second = submit(job("b"));
    EXPECT_EQ(first.position, 1u);
    EXPECT_EQ(second.position, 2u);
    EXPECT_EQ(second.cache, "miss");
    const RunPtr task = board_.take();
    EXPECT_EQ(task->key, "a");
    EXPECT_EQ(state(first.id), JobState::running);
    EXPECT_EQ(board_.find(second.id)->position, 1u);
}

TEST_F(JobBoardTest, RefusesMoreThanTheQueueHolds)
{
    submit(job("a"));
    submit(job("b"));
    const Submission third = board_.submit(job("c"), now_, wall_);
    ASSERT_TRUE(third.problem);
    EXPECT_EQ(third.problem->code, "queue-full");
    EXPECT_EQ(third.problem->status, 503);
    EXPECT_GE(third.problem->retry_after, 1);
    EXPECT_EQ(third.problem->limit, 2u);
    board_.take();
    EXPECT_EQ(refusal(job("c")), "accepted");
}

TEST_F(JobBoardTest, EqualJobsShareOneTask)
{
    const JobView first = submit(job("a"));
    const JobView second = submit(job("a"));
    EXPECT_NE(first.id, second.id);
    EXPECT_EQ(second.cache, "shared");
    EXPECT_EQ(second.painted_by, first.request_id);
    const RunPtr task = board_.take();
    EXPECT_EQ(board_.load(now_).queued, 0u);
    board_.progress(task, "paint", 0.4);
    EXPECT_EQ(board_.find(second.id)->stage, "paint");
    board_.finish(task, picture_of(5), wall_);
    EXPECT_EQ(state(first.id), JobState::succeeded);
    EXPECT_EQ(state(second.id), JobState::succeeded);
    EXPECT_EQ(board_.find(second.id)->picture->bytes, 5u);
}

TEST_F(JobBoardTest, CancelsTheTaskWhenNobodyWantsItAnyMore)
{
    const JobView first = submit(job("a"));
    const JobView second = submit(job("a"));
    const RunPtr task = board_.take();
    board_.cancel(first.id, wall_);
    EXPECT_EQ(state(first.id), JobState::cancelled);
    EXPECT_FALSE(task->cancel) << "somebody else waits for it";
    board_.cancel(second.id, wall_);
    EXPECT_TRUE(task->cancel);
    board_.fail(task, make_problem("cancelled", "", ""), wall_);
    EXPECT_EQ(state(second.id), JobState::cancelled) << "a final state stays";
}

TEST_F(JobBoardTest, ANewEqualJobAfterACancelIsPaintedAnew)
{
    const JobView first = submit(job("a"));
    const RunPtr old = board_.take();
    board_.cancel(first.id, wall_);
    const JobView second = submit(job("a"));
    EXPECT_EQ(second.cache, "miss");
    board_.fail(old, make_problem("cancelled", "", ""), wall_);
    EXPECT_EQ(state(second.id), JobState::queued);
    const RunPtr task = board_.take();
    board_.finish(task, picture_of(3), wall_);
    EXPECT_EQ(state(second.id), JobState::succeeded);
}

TEST_F(JobBoardTest, ACancelledJobLeavesTheQueue)
{
    const JobView first = submit(job("a"));
    submit(job("b"));
    board_.cancel(first.id, wall_);
    EXPECT_EQ(board_.load(now_).queued, 1u);
    EXPECT_EQ(board_.take()->key, "b");
}

TEST_F(JobBoardTest, AJobThatWaitsTooLongFails)
{
    const JobView waiting = submit(job("a"));
    board_.tick(now_ + std::chrono::seconds(59), wall_);
    EXPECT_EQ(state(waiting.id), JobState::queued);
    const std::vector<JobView> failed = board_.tick(now_ + std::chrono::seconds(60), wall_);
    EXPECT_EQ(state(waiting.id), JobState::failed);
    ASSERT_EQ(failed.size(), 1u) << "so that somebody can log and count it";
    EXPECT_EQ(failed[0].request_id, "request-a");
    EXPECT_EQ(failed[0].stage, "queue");
    EXPECT_EQ(failed[0].problem->code, "deadline");
    EXPECT_EQ(board_.find(waiting.id)->problem->status, 504);
    EXPECT_EQ(board_.load(now_).queued, 0u);
}

TEST_F(JobBoardTest, WhoJoinsLaterHasItsOwnDeadline)
{
    const JobView first = submit(job("a"));
    const RunPtr task = board_.take();
    const auto start = now_;
    now_ += std::chrono::seconds(59);
    const JobView second = submit(job("a"));
    EXPECT_EQ(task->deadline.load(), now_ + std::chrono::seconds(60));
    board_.tick(start + std::chrono::seconds(60), wall_);
    EXPECT_EQ(board_.find(first.id)->problem->code, "deadline") << "each waits for its own time";
    EXPECT_EQ(state(second.id), JobState::running);
    EXPECT_FALSE(task->cancel);
    board_.tick(now_ + std::chrono::seconds(60), wall_);
    EXPECT_EQ(state(second.id), JobState::running) << "whoever runs it ends it, and knows the stage";
}

TEST_F(JobBoardTest, AQueuedTaskStaysWhileOneOfItsJobsHasTime)
{
    const JobView first = submit(job("a"));
    const auto start = now_;
    now_ += std::chrono::seconds(30);
    const JobView second = submit(job("a"));
    board_.tick(start + std::chrono::seconds(60), wall_);
    EXPECT_EQ(state(first.id), JobState::failed);
    EXPECT_EQ(board_.load(now_).queued, 1u);
    EXPECT_EQ(board_.take()->key, "a");
    EXPECT_EQ(state(second.id), JobState::running);
}

TEST_F(JobBoardTest, WakesListenersAtEachChange)
{
    const JobView first = submit(job("a"));
    const JobView second = submit(job("b"));
    const auto waker = std::make_shared<CountingWaker>();
    board_.listen(second.id, waker);
    const RunPtr task = board_.take();
    EXPECT_EQ(waker->count, 1) << "it moved up";
    board_.progress(task, "paint", 0.5);
    EXPECT_EQ(waker->count, 1) << "not its own";
    const auto version = board_.find(second.id)->version;
    board_.take();
    EXPECT_EQ(waker->count, 2);
    EXPECT_GT(board_.find(second.id)->version, version);
}

TEST_F(JobBoardTest, PlacesInALongQueueStayRightWhateverLeavesIt)
{
    JobBoard board({1000, 1000, std::chrono::seconds(100), std::chrono::seconds(60), 100});
    std::vector<std::string> waiting;
    for (int i = 0; i < 1000; ++i)
        waiting.push_back(board.submit(job(std::to_string(i)), now_, wall_).job->id);
    for (int leaves = 0; leaves < 900; ++leaves) {
        const std::size_t at = static_cast<std::size_t>(leaves) * 7 % waiting.size();
        if (leaves % 3 == 0) {
            board.fail(board.take(), make_problem("failed", "", ""), wall_);
            waiting.erase(waiting.begin());
        } else {
            board.cancel(waiting[at], wall_);
            waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(at));
        }
    }
    for (std::size_t i = 0; i < waiting.size(); ++i)
        ASSERT_EQ(board.find(waiting[i])->position, i + 1);
}

TEST_F(JobBoardTest, TheVersionGrowsWithEachMoveAlsoWhileNobodyListens)
{
    submit(job("a"));
    const JobView second = submit(job("b"));
    const RunPtr task = board_.take();
    const std::uint64_t moved = board_.find(second.id)->version;
    EXPECT_GT(moved, second.version) << "a client that comes back with its last event id sees the new place";
    board_.fail(task, make_problem("failed", "", ""), wall_);
    EXPECT_EQ(board_.find(second.id)->version, moved);
    board_.take();
    EXPECT_GT(board_.find(second.id)->version, moved);
}

TEST_F(JobBoardTest, DrainsAndAbandons)
{
    const JobView running = submit(job("a"));
    const RunPtr task = board_.take();
    const JobView waiting = submit(job("b"));
    board_.drain();
    EXPECT_EQ(refusal(job("c")), "draining");
    EXPECT_EQ(state(waiting.id), JobState::queued) << "what is in hand goes on";
    EXPECT_EQ(board_.abandon(make_problem("draining", "", ""), wall_).size(), 2u) << "it tells of both";
    EXPECT_EQ(state(waiting.id), JobState::failed);
    EXPECT_EQ(state(running.id), JobState::failed);
    EXPECT_TRUE(task->cancel);
    EXPECT_EQ(board_.take(), nullptr);
}

TEST_F(JobBoardTest, RemembersNoListenerThatIsGone)
{
    int live = 0;
    const auto come_and_go = [&](const std::string &id) {
        for (int i = 0; i < 10; ++i)
            board_.listen(id, std::allocate_shared<CountingWaker>(CountingAllocator<CountingWaker>(&live)));
        return live;
    };
    const JobView waiting = submit(job("a"));
    EXPECT_EQ(come_and_go(waiting.id), 1) << "the last one, until the next comes";
    NewJob known = job("b");
    known.cached = picture_of(10);
    EXPECT_EQ(come_and_go(submit(known).id), 1) << "a final job changes no more";
}

} // namespace anime::service
