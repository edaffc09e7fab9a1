// SPDX-License-Identifier: LGPL-2.1-or-later
// The life of a job, without threads and with a clock that stands still.
#include "service/jobs/board.h"

#include <gtest/gtest.h>

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
PicturePtr picture_of(std::size_t bytes, double run_ms = 0)
{
    auto picture = std::make_shared<Picture>();
    picture->info.bytes = bytes;
    picture->info.timings.total = run_ms;
    picture->data = std::make_shared<const Bytes>(bytes);
    return picture;
}

class JobBoardTest : public testing::Test
{
protected:
    NewJob job(const std::string &key, const std::string &idempotency = {}) const
    {
        NewJob job;
        job.request_id = "request-" + key;
        job.key = key;
        job.idempotency_key = idempotency;
        job.input = std::make_shared<const Bytes>(10);
        return job;
    }
    JobView submit(const NewJob &job)
    {
        const Submission submission = board_.submit(job, now_, wall_);
        EXPECT_TRUE(submission.job) << submission.problem->code;
        return *submission.job;
    }
    std::string refusal(const NewJob &job)
    {
        const Submission submission = board_.submit(job, now_, wall_);
        return submission.problem ? submission.problem->code : "accepted";
    }
    JobState state(const std::string &id) const { return board_.find(id)->state; }

    JobBoard::Steady now_{std::chrono::seconds(1000)};
    JobBoard::Wall wall_{std::chrono::seconds(1700000000)};
    JobBoard board_{{2, 5, std::chrono::seconds(100), std::chrono::seconds(60), 100}};
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

TEST_F(JobBoardTest, TheSameIdempotencyKeyGivesTheSameJob)
{
    const JobView first = submit(job("a", "key"));
    EXPECT_EQ(submit(job("a", "key")).id, first.id);
    EXPECT_EQ(refusal(job("b", "key")), "idempotency-mismatch");
    EXPECT_EQ(board_.load(now_).queued, 1u);
}

TEST_F(JobBoardTest, AnIdempotencyKeyIsItsClientsOwn)
{
    NewJob mine = job("a", "key");
    mine.client = "192.0.2.1";
    NewJob theirs = job("b", "key");
    theirs.client = "192.0.2.2";
    EXPECT_NE(submit(mine).id, submit(theirs).id);
}

TEST_F(JobBoardTest, ACancelledJobReleasesItsIdempotencyKey)
{
    const JobView first = submit(job("a", "key"));
    board_.cancel(first.id, wall_);
    const JobView second = submit(job("a", "key"));
    EXPECT_NE(second.id, first.id);
    EXPECT_EQ(second.state, JobState::queued);
    board_.tick(now_, wall_ + std::chrono::seconds(100)); // forgets the first
    EXPECT_EQ(submit(job("a", "key")).id, second.id);
}

TEST_F(JobBoardTest, AFailureThatAnotherTryMayMendReleasesTheIdempotencyKey)
{
    const std::pair<const char *, bool> codes[] = {{"deadline", true},       {"out-of-memory", true},
                                                   {"internal", true},       {"service-failed", true},
                                                   {"image-corrupt", false}, {"size-pixels", false}};
    for (const auto &[code, released] : codes) {
        const JobView first = submit(job(code, code));
        board_.fail(board_.take(), make_problem(code, "", ""), wall_);
        const JobView second = submit(job(code, code));
        EXPECT_EQ(second.id != first.id, released) << code;
        if (released)
            board_.cancel(second.id, wall_);
        EXPECT_EQ(board_.find(first.id)->problem->code, code) << "the job itself keeps its answer";
    }
}

TEST_F(JobBoardTest, AJobThatWaitedTooLongIsQueuedAnewWhenItIsSentAgainWithItsKey)
{
    const JobView first = submit(job("a", "key"));
    board_.tick(now_ + std::chrono::seconds(60), wall_);
    EXPECT_EQ(state(first.id), JobState::failed);
    const JobView second = submit(job("a", "key"));
    EXPECT_NE(second.id, first.id);
    EXPECT_EQ(second.state, JobState::queued);
}

TEST_F(JobBoardTest, IsCancelledWithTheLastConnectionThatWaitsForIt)
{
    NewJob upload = job("a", "key");
    upload.attached = true;
    const JobView first = submit(upload);
    EXPECT_EQ(submit(upload).id, first.id) << "sent again before the end of the first connection was noticed";
    board_.detach(first.id, wall_);
    EXPECT_EQ(state(first.id), JobState::queued);
    board_.detach(first.id, wall_);
    EXPECT_EQ(state(first.id), JobState::cancelled);
}

TEST_F(JobBoardTest, AJobThatWasMadeToLastOutlivesTheConnectionsThatJoinIt)
{
    const JobView first = submit(job("a", "key"));
    NewJob upload = job("a", "key");
    upload.attached = true;
    submit(upload);
    board_.detach(first.id, wall_);
    EXPECT_EQ(state(first.id), JobState::queued);
}

TEST_F(JobBoardTest, AKnownPictureIsDoneAtOnce)
{
    NewJob known = job("a");
    known.cached = picture_of(3);
    const JobView done = submit(known);
    EXPECT_EQ(done.state, JobState::succeeded);
    EXPECT_EQ(done.cache, "hit");
    EXPECT_EQ(done.progress, 1);
    EXPECT_EQ(board_.load(now_).queued, 0u);
}

TEST_F(JobBoardTest, KeepsAPictureUntilItWasDelivered)
{
    const JobView done = submit(job("a"));
    EXPECT_FALSE(board_.picture(done.id));
    board_.finish(board_.take(), picture_of(40), wall_);
    EXPECT_EQ(board_.picture(done.id)->data->size(), 40u);
    EXPECT_EQ(board_.load(now_).result_bytes, 40u);
    board_.delivered(done.id);
    EXPECT_FALSE(board_.picture(done.id));
    EXPECT_EQ(board_.load(now_).result_bytes, 0u);
}

TEST_F(JobBoardTest, KeepsNoMoreThanItsBytesOfPictures)
{
    std::vector<std::string> ids;
    for (const char *key : {"a", "b", "c"}) {
        ids.push_back(submit(job(key)).id);
        board_.finish(board_.take(), picture_of(40), wall_);
    }
    EXPECT_FALSE(board_.picture(ids[0])) << "the oldest goes first";
    EXPECT_TRUE(board_.picture(ids[1]));
    EXPECT_TRUE(board_.picture(ids[2]));
    board_.tick(now_, wall_ + std::chrono::seconds(100));
    EXPECT_EQ(board_.load(now_).result_bytes, 0u) << "with their jobs";
}

TEST_F(JobBoardTest, KeepsThePictureThatAConnectionWaitsFor)
{
    NewJob upload = job("a");
    upload.attached = true;
    const std::string id = submit(upload).id;
    board_.finish(board_.take(), picture_of(400), wall_);
    submit(job("b"));
    board_.finish(board_.take(), picture_of(40), wall_);
    EXPECT_TRUE(board_.picture(id)) << "however large it is";
    board_.tick(now_, wall_ + std::chrono::seconds(1000));
    EXPECT_TRUE(board_.picture(id)) << "and however long it takes";
    board_.detach(id, wall_);
    EXPECT_FALSE(board_.picture(id));
}

TEST_F(JobBoardTest, PaintsAnewWhatIsSentAgainAfterItsPictureWentAway)
{
    const JobView first = submit(job("a", "key"));
    board_.finish(board_.take(), picture_of(40), wall_);
    EXPECT_EQ(submit(job("a", "key")).id, first.id);
    board_.delivered(first.id);
    NewJob cached = job("a", "key");
    cached.cached = picture_of(40);
    EXPECT_EQ(submit(cached).id, first.id) << "somebody else has it";
    EXPECT_TRUE(board_.picture(first.id));
    board_.delivered(first.id);
    const JobView second = submit(job("a", "key"));
    EXPECT_NE(second.id, first.id);
    EXPECT_EQ(second.state, JobState::queued);
}

TEST_F(JobBoardTest, APictureThatWasFoundIsAHitAndSaysNothingOfTheTimeToPaint)
{
    const auto retry_after = [this] {
        submit(job("x"));
        submit(job("y"));
        const int seconds = board_.submit(job("z"), now_, wall_).problem->retry_after;
        for (int i = 0; i < 2; ++i)
            board_.fail(board_.take(), make_problem("failed", "", ""), wall_);
        return seconds;
    };
    submit(job("a"));
    board_.finish(board_.take(), picture_of(3, 20000), wall_);
    EXPECT_EQ(retry_after(), 10) << "a quarter of two that take 20 s";
    const JobView found = submit(job("b"));
    board_.finish(board_.take(), picture_of(3, 0), wall_, true);
    EXPECT_EQ(board_.find(found.id)->cache, "hit");
    EXPECT_EQ(retry_after(), 10);
}

TEST_F(JobBoardTest, FinishedJobsExpireAndTheOldestMakeRoom)
{
    const JobView first = submit(job("a", "key"));
    board_.finish(board_.take(), picture_of(3), wall_);
    board_.tick(now_, wall_ + std::chrono::seconds(99));
    EXPECT_TRUE(board_.find(first.id));
    board_.tick(now_, wall_ + std::chrono::seconds(100));
    EXPECT_FALSE(board_.find(first.id));
    EXPECT_NE(submit(job("a", "key")).id, first.id);
    board_.finish(board_.take(), picture_of(3), wall_);
    for (const char *key : {"b", "c", "d", "e", "f"}) {
        submit(job(key));
        board_.finish(board_.take(), picture_of(3), wall_);
    }
    EXPECT_EQ(board_.load(now_).jobs, 5u);
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

TEST_F(JobBoardTest, EndsAndForgetsAnyNumberAtOnce)
{
    JobBoard board({5000, 5000, std::chrono::seconds(100), std::chrono::seconds(60), 100});
    for (int i = 0; i < 2000; ++i)
        board.submit(job(std::to_string(i)), now_, wall_);
    EXPECT_EQ(board.tick(now_ + std::chrono::seconds(60), wall_).size(), 2000u);
    EXPECT_EQ(board.load(now_).queued, 0u);
    board.tick(now_, wall_ + std::chrono::seconds(100));
    EXPECT_EQ(board.load(now_).jobs, 0u);
}

TEST_F(JobBoardTest, MakesRoomByWhatExpiresFirstAndNobodyWaitsFor)
{
    NewJob upload = job("a");
    upload.attached = true;
    const std::string held = submit(upload).id;
    board_.finish(board_.take(), picture_of(3), wall_);
    std::vector<std::string> others;
    for (const char *key : {"b", "c", "d", "e"}) {
        others.push_back(submit(job(key)).id);
        board_.finish(board_.take(), picture_of(3), wall_ + std::chrono::seconds(others.size()));
    }
    submit(job("f"));
    EXPECT_TRUE(board_.find(held)) << "a connection is attached to it";
    EXPECT_FALSE(board_.find(others[0]));
    EXPECT_TRUE(board_.find(others[1]));
    board_.detach(held, wall_);
    board_.finish(board_.take(), picture_of(3), wall_);
    submit(job("g"));
    EXPECT_FALSE(board_.find(held)) << "now it is the first to expire";
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
