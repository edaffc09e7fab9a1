// SPDX-License-Identifier: LGPL-2.1-or-later
// How long jobs and their pictures are kept, and what makes room for others.
#include "tests/service/jobs/board_fixture.h"

namespace anime::service
{

using Kept = JobBoardTest;

TEST_F(Kept, AKnownPictureIsDoneAtOnce)
{
    NewJob known = job("a");
    known.cached = picture_of(3);
    const JobView done = submit(known);
    EXPECT_EQ(done.state, JobState::succeeded);
    EXPECT_EQ(done.cache, "hit");
    EXPECT_EQ(done.progress, 1);
    EXPECT_EQ(board_.load(now_).queued, 0u);
}

TEST_F(Kept, KeepsAPictureUntilItWasDelivered)
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

TEST_F(Kept, KeepsNoMoreThanItsBytesOfPictures)
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

TEST_F(Kept, KeepsThePictureThatAConnectionWaitsFor)
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

TEST_F(Kept, APictureThatWasFoundIsAHitAndSaysNothingOfTheTimeToPaint)
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

TEST_F(Kept, FinishedJobsExpireAndTheOldestMakeRoom)
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

TEST_F(Kept, EndsAndForgetsAnyNumberAtOnce)
{
    JobBoard board({5000, 5000, std::chrono::seconds(100), std::chrono::seconds(60), 100});
    for (int i = 0; i < 2000; ++i)
        board.submit(job(std::to_string(i)), now_, wall_);
    EXPECT_EQ(board.tick(now_ + std::chrono::seconds(60), wall_).size(), 2000u);
    EXPECT_EQ(board.load(now_).queued, 0u);
    board.tick(now_, wall_ + std::chrono::seconds(100));
    EXPECT_EQ(board.load(now_).jobs, 0u);
}

TEST_F(Kept, MakesRoomByWhatExpiresFirstAndNobodyWaitsFor)
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

} // namespace anime::service
