// SPDX-License-Identifier: LGPL-2.1-or-later
// What fronts and workers write for each other, and how letters to the broker are ordered. How it all holds
// together is told by tests/cluster.
#include "service/broker/outbox.h"
#include "service/broker/protocol.h"
#include "service/ops/options.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>

namespace anime::service::broker
{

TEST(BrokerRecordsTest, AWorkIsReadAsItWasWritten)
{
    Work work;
    work.generation = 3;
    work.state = JobState::failed;
    work.stage = "paint";
    work.progress = 0.5;
    work.version = 7;
    work.queued = from_unix_ms(1700000000123);
    work.deadline = from_unix_ms(1700000060000);
    work.request_id = "request";
    work.worker = "host-1";
    work.attempts = 2;
    work.sequence = 42;
    work.jobs = {"a", "b"};
    work.more = true;
    work.problem = make_problem("size-bytes", "too large", "send less");
    work.problem->limit = 5;
    work.picture.emplace();
    work.picture->media_type = "image/png";
    work.picture->source = {3, 4};
    work.picture->bytes = 9;
    work.picture->timings.paint = 12.5;
    work.before =
        Work::Before{2, JobState::cancelled, from_unix_ms(1700000000000), std::nullopt, std::nullopt};
    const Work read = read_work(write(work));
    EXPECT_EQ(write(read), write(work));
    EXPECT_EQ(read.state, JobState::failed);
    EXPECT_EQ(read.problem->status, 413) << "the status belongs to the code";
    EXPECT_EQ(read.problem->limit, 5u);
    EXPECT_EQ(read.picture->timings.paint, 12.5);
    EXPECT_EQ(read.before->state, JobState::cancelled);
    EXPECT_EQ(unix_ms(read.queued), 1700000000123);
}

TEST(BrokerRecordsTest, AJobIsReadAsItWasWritten)
{
    JobRecord job;
    job.view.id = "id";
    job.view.file_name = "ein \xff Foto"; // clients write what they like
    job.view.key = "key";
    job.view.options.strength = 0.25;
    job.generation = 2;
    job.cancelled = true;
    const JobRecord read = read_job(write(job));
    EXPECT_EQ(read.view.id, "id");
    EXPECT_EQ(read.view.options, job.view.options);
    EXPECT_EQ(read.generation, 2u);
    EXPECT_TRUE(read.cancelled);
}

TEST(BrokerRecordsTest, WhatIsNoRecordIsSaidToBeNone)
{
    EXPECT_ANY_THROW(read_work("{}"));
    EXPECT_ANY_THROW(read_work("no JSON"));
    nlohmann::json strange = nlohmann::json::parse(write(Work{}));
    strange["state"] = "dreaming";
    EXPECT_ANY_THROW(read_work(strange.dump()));
}

TEST(BrokerRecordsTest, APasswordIsNeverShown)
{
    EXPECT_EQ(without_password("nats://front:se@cret@a:4222,b:1,tls://x@c"), "nats://a:4222,b:1,tls://c");
}

TEST(WorkerOptionsTest, AreThoseOfAServerThatConcernIt)
{
    const auto nothing = [](const char *) -> const char * { return nullptr; };
    const auto parse = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "anime-worker");
        return parse_options(arguments, nothing, Program::worker);
    };
    const ParsedOptions good = parse({"--broker=nats://a:1", "--workers=3", "--ack-wait=2"});
    ASSERT_TRUE(good.options) << good.message;
    EXPECT_EQ(good.options->limits.workers, 3);
    EXPECT_EQ(good.options->ack_wait, 2);
    const ParsedOptions without = parse({});
    EXPECT_FALSE(without.options);
    EXPECT_EQ(without.exit_code, 2);
    EXPECT_NE(without.message.find("anime-worker: --broker is missing"), std::string::npos)
        << without.message;
    EXPECT_FALSE(parse({"--broker=nats://a:1", "--rate=5"}).options) << "a server's";
    EXPECT_FALSE(parse({"--broker=nats://a:1", "--broker-certificate=x"}).options) << "without its key";
    EXPECT_FALSE(parse({"--broker=nats://a:1", "--ack-wait=61"}).options) << "out of range";
}

TEST(OutboxTest, LettersOfOneKeyKeepTheirOrderAndOthersDoNotWait)
{
    std::mutex lock;
    std::condition_variable changed;
    std::vector<int> order;
    bool open = false;
    const auto deliver = [&](int number, bool waits) {
        return [&, number, waits] {
            std::unique_lock guard(lock);
            changed.wait(guard, [&] { return open || !waits; });
            order.push_back(number);
            changed.notify_all();
        };
    };
    Outbox outbox(2);
    outbox.post("a", deliver(1, true));
    outbox.post("a", deliver(2, false));
    outbox.post("b", deliver(3, false));
    {
        std::unique_lock guard(lock);
        changed.wait(guard, [&] { return order.size() == 1; });
        open = true;
    }
    changed.notify_all();
    {
        std::unique_lock guard(lock);
        changed.wait(guard, [&] { return order.size() == 3; });
    }
    EXPECT_EQ(order, (std::vector{3, 1, 2}));
}

TEST(OutboxTest, StopsAfterWhatIsBeingDone)
{
    std::atomic<int> delivered{0};
    Outbox outbox(1);
    outbox.post("a", [&] { ++delivered; });
    outbox.stop();
    outbox.post("a", [&] { delivered += 100; });
    EXPECT_LE(delivered.load(), 1);
    EXPECT_EQ(outbox.size(), 0u);
}

} // namespace anime::service::broker
