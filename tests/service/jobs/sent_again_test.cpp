// SPDX-License-Identifier: LGPL-2.1-or-later
// Jobs that are sent again with their Idempotency-Key, and the connections that wait for them.
#include "tests/service/jobs/board_fixture.h"

namespace anime::service
{

using SentAgain = JobBoardTest;

TEST_F(SentAgain, TheSameIdempotencyKeyGivesTheSameJob)
{
    const JobView first = submit(job("a", "key"));
    EXPECT_EQ(submit(job("a", "key")).id, first.id);
    EXPECT_EQ(refusal(job("b", "key")), "idempotency-mismatch");
    EXPECT_EQ(board_.load(now_).queued, 1u);
}

TEST_F(SentAgain, AnIdempotencyKeyIsItsClientsOwn)
{
    NewJob mine = job("a", "key");
    mine.client = "192.0.2.1";
    NewJob theirs = job("b", "key");
    theirs.client = "192.0.2.2";
    EXPECT_NE(submit(mine).id, submit(theirs).id);
}

TEST_F(SentAgain, ACancelledJobReleasesItsIdempotencyKey)
{
    const JobView first = submit(job("a", "key"));
    board_.cancel(first.id, wall_);
    const JobView second = submit(job("a", "key"));
    EXPECT_NE(second.id, first.id);
    EXPECT_EQ(second.state, JobState::queued);
    board_.tick(now_, wall_ + std::chrono::seconds(100)); // forgets the first
    EXPECT_EQ(submit(job("a", "key")).id, second.id);
}

TEST_F(SentAgain, AFailureThatAnotherTryMayMendReleasesTheIdempotencyKey)
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

TEST_F(SentAgain, AJobThatWaitedTooLongIsQueuedAnewWhenItIsSentAgainWithItsKey)
{
    const JobView first = submit(job("a", "key"));
    board_.tick(now_ + std::chrono::seconds(60), wall_);
    EXPECT_EQ(state(first.id), JobState::failed);
    const JobView second = submit(job("a", "key"));
    EXPECT_NE(second.id, first.id);
    EXPECT_EQ(second.state, JobState::queued);
}

TEST_F(SentAgain, IsCancelledWithTheLastConnectionThatWaitsForIt)
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

TEST_F(SentAgain, AJobThatWasMadeToLastOutlivesTheConnectionsThatJoinIt)
{
    const JobView first = submit(job("a", "key"));
    NewJob upload = job("a", "key");
    upload.attached = true;
    submit(upload);
    board_.detach(first.id, wall_);
    EXPECT_EQ(state(first.id), JobState::queued);
}

TEST_F(SentAgain, PaintsAnewWhatIsSentAgainAfterItsPictureWentAway)
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

} // namespace anime::service
