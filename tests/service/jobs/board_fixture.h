// SPDX-License-Identifier: LGPL-2.1-or-later
// A board without threads, and a clock that stands still.
#pragma once

#include "service/jobs/board.h"

#include <gtest/gtest.h>

namespace anime::service
{

inline PicturePtr picture_of(std::size_t bytes, double run_ms = 0)
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

} // namespace anime::service
