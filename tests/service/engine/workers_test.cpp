// SPDX-License-Identifier: LGPL-2.1-or-later
// What happens to a job whose worker fails: it ends, with a reason, and the service goes on.
#include "service/engine/workers.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <array>

namespace anime::service
{

TEST(WorkersTest, AnExceptionEndsItsPictureAndNothingElse)
{
    std::array<int, 2> pipe_ends{};
    ASSERT_EQ(pipe(pipe_ends.data()), 0);
    JobBoard board({4, 16, std::chrono::seconds(100), std::chrono::seconds(60)});
    std::vector<std::string> ids;
    {
        LineWriter lines(pipe_ends[1]);
        Options options;
        options.limits.workers = 1;
        Log log(lines);
        Metrics metrics;
        Engine engine(options, log); // has loaded no description, so that painting throws std::out_of_range
        ByteBudget budget(1000, 1000);
        ByteBudget sending(1000, 1000);
        MemoryCache memory_cache(1000, std::chrono::hours(1));
        for (const char *key : {"a", "b"}) {
            NewJob job;
            job.key = key;
            job.request_id = key;
            job.input = std::make_shared<const Bytes>(10);
            ids.push_back(
                board.submit(job, std::chrono::steady_clock::now(), std::chrono::system_clock::now())
                    .job->id);
        }
        board.drain();
        const Workers workers(
            Shared{options, log, metrics, engine, board, budget, sending, memory_cache, nullptr});
    }
    for (const std::string &id : ids) {
        const JobView job = *board.find(id);
        EXPECT_EQ(job.state, JobState::failed);
        EXPECT_EQ(job.problem->code, "service-failed");
        EXPECT_EQ(job.problem->status, 503);
    }
    EXPECT_EQ(board.load(std::chrono::steady_clock::now()).running, 0u);
    close(pipe_ends[1]);
    std::array<char, 4096> text{};
    ASSERT_GT(read(pipe_ends[0], text.data(), text.size() - 1), 0);
    close(pipe_ends[0]);
    const auto line =
        nlohmann::json::parse(std::string(text.data()).substr(0, std::string(text.data()).find('\n')));
    EXPECT_EQ(line["layer"], "failure");
    EXPECT_EQ(line["request_id"], "a");
    EXPECT_EQ(line["code"], "service-failed");
}

} // namespace anime::service
