// SPDX-License-Identifier: LGPL-2.1-or-later
// Jobs over HTTP: made, watched, shared, fetched, cancelled, and how they fail.
#include "tests/service/fixture.h"

namespace anime::service
{

using Jobs = ServiceTest;

TEST_F(Jobs, AJobIsMadeWatchedAndFetched)
{
    start();
    const Answer created = post("/v1/jobs?pipeline=slow", slow_photo(0, 40));
    ASSERT_EQ(created.status, 202);
    const std::string id = json(created)["id"];
    EXPECT_EQ(created.headers.at("location"), "/v1/jobs/" + id);
    EXPECT_EQ(code(ask("GET", "/v1/jobs/" + id + "/result")), "job-not-finished");
    EXPECT_EQ(finished(id)["state"], "succeeded");
    const Answer result = ask("GET", "/v1/jobs/" + id + "/result");
    ASSERT_EQ(result.status, 200);
    EXPECT_EQ(result.headers.at("content-type"), "image/jpeg");
    EXPECT_TRUE(result.body.starts_with("\xff\xd8"));
    EXPECT_NE(result.headers.at("cache-control").find("private"), std::string::npos);
    const Answer known =
        ask("GET", "/v1/jobs/" + id + "/result", {}, {{"If-None-Match", result.headers.at("etag")}});
    EXPECT_EQ(known.status, 304);
    EXPECT_EQ(code(ask("DELETE", "/v1/jobs/" + id)), "job-finished");
}

TEST_F(Jobs, PreferWaitAnswersWhenTheJobIsDone)
{
    start();
    const Answer done = post("/v1/jobs?pipeline=slow", slow_photo(), {{"Prefer", "wait=15"}});
    EXPECT_EQ(done.status, 200);
    EXPECT_EQ(done.headers.at("preference-applied"), "wait=15");
    EXPECT_EQ(json(done)["state"], "succeeded");
    EXPECT_EQ(post("/v1/jobs?pipeline=slow", slow_photo(1), {{"Prefer", "wait=0"}}).status, 202);
}

TEST_F(Jobs, EventsTellOfEveryStageAndEnd)
{
    start();
    const std::string id = create("/v1/jobs?pipeline=slow", slow_photo(0, 40));
    const Answer events = ask("GET", "/v1/jobs/" + id + "/events");
    EXPECT_EQ(events.headers.at("content-type"), "text/event-stream");
    EXPECT_EQ(events.headers.at("x-accel-buffering"), "no");
    EXPECT_NE(events.body.find("event: progress\n"), std::string::npos);
    const auto last = events.body.rfind("event: done\ndata: ");
    ASSERT_NE(last, std::string::npos);
    EXPECT_EQ(nlohmann::json::parse(events.body.substr(last + 18))["state"], "succeeded");
    const Answer again = ask("GET", "/v1/jobs/" + id + "/events", {}, {{"Last-Event-ID", "999"}});
    EXPECT_NE(again.body.find("event: done"), std::string::npos) << "a client that comes back gets the end";
}

TEST_F(Jobs, EqualPhotosArePaintedOnce)
{
    start();
    const std::string photo = slow_photo(0, 40);
    const std::string first = create("/v1/jobs?pipeline=slow", photo);
    const Answer shared = post("/v1/jobs?pipeline=slow", photo);
    EXPECT_EQ(json(shared)["cache"], "shared");
    EXPECT_NE(json(shared)["id"], first);
    EXPECT_EQ(finished(json(shared)["id"])["state"], "succeeded");
    const Answer hit = post("/v1/jobs?pipeline=slow", photo);
    EXPECT_EQ(hit.status, 200);
    EXPECT_EQ(hit.headers.at("x-cache"), "hit");
    EXPECT_EQ(json(post("/v1/jobs?pipeline=slow&strength=0.1", photo))["cache"], "miss");
}

TEST_F(Jobs, TheIdempotencyKeyFindsTheJobAgain)
{
    start();
    const Answer first = post("/v1/jobs?pipeline=slow", slow_photo(), {{"Idempotency-Key", "k1"}});
    const Answer second = post("/v1/jobs?pipeline=slow", slow_photo(), {{"Idempotency-Key", "k1"}});
    EXPECT_EQ(json(first)["id"], json(second)["id"]);
    EXPECT_EQ(code(post("/v1/jobs", photo(1), {{"Idempotency-Key", "k1"}})), "idempotency-mismatch");
    EXPECT_EQ(code(post("/v1/jobs", photo(), {{"Idempotency-Key", "not valid"}})), "header-invalid");
}

TEST_F(Jobs, CancelsWhatWaitsAndWhatRuns)
{
    options_.limits.workers = 1;
    start();
    const std::string running = create("/v1/jobs?pipeline=slow", slow_photo(0, 400));
    const std::string waiting = create("/v1/jobs?pipeline=slow", slow_photo(1, 400));
    EXPECT_EQ(json(ask("DELETE", "/v1/jobs/" + waiting))["state"], "cancelled");
    EXPECT_EQ(json(ask("DELETE", "/v1/jobs/" + running))["state"], "cancelled");
    EXPECT_EQ(code(ask("GET", "/v1/jobs/" + running + "/result")), "job-cancelled");
    EXPECT_EQ(ask("DELETE", "/v1/jobs/" + running).status, 200) << "again: nothing changes";
    EXPECT_EQ(finished(create("/v1/jobs", photo(2)))["state"], "succeeded");
}

TEST_F(Jobs, RefusesAJobThatIsNotThere)
{
    start();
    for (const char *path : {"/v1/jobs/nope", "/v1/jobs/nope/result", "/v1/jobs/nope/events"})
        EXPECT_EQ(code(ask("GET", path)), "job-not-found");
    EXPECT_EQ(code(ask("DELETE", "/v1/jobs/nope")), "job-not-found");
}

TEST_F(Jobs, AFailedJobTellsWhyWhereverItIsAskedFor)
{
    start();
    const Answer failed = post("/v1/jobs", "this is no photo", {{"Prefer", "wait=15"}});
    EXPECT_EQ(failed.status, 422);
    const std::string job = failed.headers.at("location");
    EXPECT_EQ(json(ask("GET", job))["error"]["code"], "stream-decode");
    EXPECT_EQ(ask("GET", job + "/result").status, 422);
}

TEST_F(Jobs, WorkThatTakesTooLongEndsAsATimeout)
{
    options_.limits.deadline = 1;
    options_.limits.workers = 1;
    start();
    std::string last;
    for (int i = 0; i < 8; ++i)
        last = create("/v1/jobs?pipeline=slow", slow_photo(i, 100)); // 3 s each
    EXPECT_EQ(finished(last)["error"]["code"], "deadline");
    const Answer result = ask("GET", "/v1/jobs/" + last + "/result");
    EXPECT_EQ(result.status, 504);
}

TEST_F(Jobs, TryingAgainWithTheSameKeyAfterATimeoutTriesAgain)
{
    options_.limits.deadline = 3;
    options_.limits.workers = 1;
    start();
    for (int i = 0; i < 3; ++i)
        create("/v1/jobs?pipeline=slow", slow_photo(i, 400));
    const std::map<std::string, std::string> headers = {{"Idempotency-Key", "k1"}, {"Prefer", "wait=15"}};
    const auto status = [&] { return post("/v1/jobs?pipeline=slow", slow_photo(9, 40), headers).status; };
    EXPECT_EQ(status(), 504);
    int second = 0;
    for (int i = 0; i < 5 && second != 200; ++i) // a busy machine may need longer than the deadline
        second = status();
    EXPECT_EQ(second, 200) << "the queue is empty by now";
}

TEST_F(Jobs, AcceptChoosesTheFormatWhereNoOptionDoes)
{
    start();
    EXPECT_EQ(json(post("/v1/jobs", photo(), {{"Accept", "image/png"}}))["options"]["format"], "png");
    EXPECT_EQ(json(post("/v1/jobs?format=jpeg", photo(), {{"Accept", "image/png"}}))["options"]["format"],
              "jpeg");
    EXPECT_EQ(json(post("/v1/jobs", photo()))["options"]["format"], "jpeg");
}

} // namespace anime::service
