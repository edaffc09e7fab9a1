// SPDX-License-Identifier: LGPL-2.1-or-later
// The service over HTTP, as a client meets it. Every answer is held against openapi.json on the way.
#include "tests/service/fixture.h"

#include <gst/gst.h>

#include <algorithm>

namespace anime::service
{

using Http = ServiceTest;

TEST_F(Http, UploadAnswersWithThePictureInBase64)
{
    start();
    const Answer answer = post_form("/upload", form(photo()));
    ASSERT_EQ(answer.status, 200);
    const auto body = json(answer);
    EXPECT_EQ(body["state"], "succeeded");
    EXPECT_EQ(body["media_type"], "image/jpeg");
    EXPECT_EQ(body["file"]["name"], "me.jpg");
    EXPECT_TRUE(body["image"].get<std::string>().starts_with("/9j/")) << "the first bytes of a JPEG";
    EXPECT_EQ(answer.headers.at("x-cache"), "miss");
    EXPECT_NE(answer.headers.at("server-timing").find("total;dur="), std::string::npos);
    EXPECT_EQ(answer.headers.at("x-content-type-options"), "nosniff");
    EXPECT_EQ(answer.headers.at("cache-control"), "no-store");
}

TEST_F(Http, UploadTakesTheBarePhotoToo)
{
    start();
    EXPECT_EQ(post("/upload?format=png&strength=0.5&faces=off", photo()).status, 200);
}

TEST_F(Http, AJobIsMadeWatchedAndFetched)
{
    start();
    const Answer created = post("/v1/jobs?pipeline=slow", photo());
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

TEST_F(Http, PreferWaitAnswersWhenTheJobIsDone)
{
    start();
    const Answer done = post("/v1/jobs?pipeline=slow", photo(), {{"Prefer", "wait=15"}});
    EXPECT_EQ(done.status, 200);
    EXPECT_EQ(done.headers.at("preference-applied"), "wait=15");
    EXPECT_EQ(json(done)["state"], "succeeded");
    EXPECT_EQ(post("/v1/jobs?pipeline=slow", photo(1), {{"Prefer", "wait=0"}}).status, 202);
}

TEST_F(Http, EventsTellOfEveryStageAndEnd)
{
    start();
    const std::string id = create("/v1/jobs?pipeline=slow", photo());
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

TEST_F(Http, EqualPhotosArePaintedOnce)
{
    start();
    const std::string first = create("/v1/jobs?pipeline=slow", photo());
    const Answer shared = post("/v1/jobs?pipeline=slow", photo());
    EXPECT_EQ(json(shared)["cache"], "shared");
    EXPECT_NE(json(shared)["id"], first);
    EXPECT_EQ(finished(json(shared)["id"])["state"], "succeeded");
    const Answer hit = post("/v1/jobs?pipeline=slow", photo());
    EXPECT_EQ(hit.status, 200);
    EXPECT_EQ(hit.headers.at("x-cache"), "hit");
    EXPECT_EQ(json(post("/v1/jobs?pipeline=slow&strength=0.1", photo()))["cache"], "miss");
}

TEST_F(Http, TheIdempotencyKeyFindsTheJobAgain)
{
    start();
    const Answer first = post("/v1/jobs?pipeline=slow", photo(), {{"Idempotency-Key", "k1"}});
    const Answer second = post("/v1/jobs?pipeline=slow", photo(), {{"Idempotency-Key", "k1"}});
    EXPECT_EQ(json(first)["id"], json(second)["id"]);
    EXPECT_EQ(code(post("/v1/jobs", photo(1), {{"Idempotency-Key", "k1"}})), "idempotency-mismatch");
    EXPECT_EQ(code(post("/v1/jobs", photo(), {{"Idempotency-Key", "not valid"}})), "header-invalid");
}

TEST_F(Http, CancelsWhatWaitsAndWhatRuns)
{
    options_.limits.workers = 1;
    start();
    const std::string running = create("/v1/jobs?pipeline=slow", photo(0));
    const std::string waiting = create("/v1/jobs?pipeline=slow", photo(1));
    EXPECT_EQ(json(ask("DELETE", "/v1/jobs/" + waiting))["state"], "cancelled");
    EXPECT_EQ(json(ask("DELETE", "/v1/jobs/" + running))["state"], "cancelled");
    EXPECT_EQ(code(ask("GET", "/v1/jobs/" + running + "/result")), "job-cancelled");
    EXPECT_EQ(ask("DELETE", "/v1/jobs/" + running).status, 200) << "again: nothing changes";
    EXPECT_EQ(finished(create("/v1/jobs", photo(2)))["state"], "succeeded");
}

TEST_F(Http, AnUploadIsCancelledWithItsConnection)
{
    options_.limits.workers = 1;
    start();
    create("/v1/jobs?pipeline=slow", photo(0));
    {
        Client client(port());
        client.send(slow_upload(photo(1)));
        await_metric("anime_jobs", [](double jobs) { return jobs == 2; });
    }
    // The client is gone: an equal upload isn't joined to a live job, and every worker comes free.
    EXPECT_EQ(finished(create("/v1/jobs", photo(2)))["state"], "succeeded");
    EXPECT_NE(log().find("\"code\":\"client-gone\""), std::string::npos);
}

TEST_F(Http, AnUploadThatWasCutOffIsPaintedWhenItIsSentAgainWithItsKey)
{
    options_.limits.workers = 1;
    start();
    create("/v1/jobs?pipeline=slow", photo(0));
    {
        Client client(port());
        client.send(slow_upload(photo(1), "Idempotency-Key: k1\r\n"));
        await_metric("anime_jobs", [](double jobs) { return jobs == 2; });
    }
    await_metric("anime_http_connections", [](double count) { return count == 0; });
    EXPECT_EQ(post("/upload?pipeline=slow", photo(1), {{"Idempotency-Key", "k1"}}).status, 200);
}

TEST_F(Http, RefusesAJobThatIsNotThere)
{
    start();
    for (const char *path : {"/v1/jobs/nope", "/v1/jobs/nope/result", "/v1/jobs/nope/events"})
        EXPECT_EQ(code(ask("GET", path)), "job-not-found");
    EXPECT_EQ(code(ask("DELETE", "/v1/jobs/nope")), "job-not-found");
}

TEST_F(Http, BadRequestsSayWhatIsWrong)
{
    start();
    for (const std::string path : {"/upload", "/v1/jobs"}) {
        EXPECT_EQ(code(ask("POST", path)), "file-missing");
        EXPECT_EQ(
            code(post_form(path, "--edge\r\nContent-Disposition: form-data; name=\"style\"\r\n\r\ndefault"
                                 "\r\n--edge--\r\n")),
            "file-missing");
        EXPECT_EQ(code(post_form(path, form(""))), "file-empty");
        EXPECT_EQ(code(post_form(path, "--edge\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nabc")),
                  "multipart-invalid")
            << "no last boundary";
        EXPECT_EQ(code(ask("POST", path, form(photo()), {{"Content-Type", "multipart/form-data"}})),
                  "multipart-invalid")
            << "no boundary at all";
        EXPECT_EQ(code(ask("POST", path, "a=b", {{"Content-Type", "application/x-www-form-urlencoded"}})),
                  "media-type");
        EXPECT_EQ(code(post_form(path, form(photo(), {{"style", "monet"}}))), "option-invalid");
        EXPECT_EQ(code(post_form(path, form(photo(), {{"strength", "2"}}))), "option-invalid");
        EXPECT_EQ(code(post_form(path, form(photo(), {{"faces", "perhaps"}}))), "option-invalid");
        EXPECT_EQ(code(post_form(path, form(photo(), {{"format", "tiff"}}))), "option-invalid");
        EXPECT_EQ(code(post_form(path, form(photo(), {{"style", std::string(1000, 'x')}}))),
                  "option-invalid");
        EXPECT_EQ(code(post(path + "?pipeline=photo", photo())), "option-invalid");
        EXPECT_EQ(code(post(path + "?launch=fakesrc", photo())), "option-invalid");
        EXPECT_EQ(code(post(path, "this is no photo", {{"Prefer", "wait=15"}})), "stream-decode");
    }
    EXPECT_EQ(request(port(), "GET", "/nothing").status, 404);
    EXPECT_EQ(request(port(), "GET", "/../etc/passwd").status, 404);
    const Answer wrong = request(port(), "PUT", "/upload");
    EXPECT_EQ(wrong.status, 405);
    EXPECT_EQ(wrong.headers.at("allow"), "POST");
}

TEST_F(Http, AFailedJobTellsWhyWhereverItIsAskedFor)
{
    start();
    const Answer failed = post("/v1/jobs", "this is no photo", {{"Prefer", "wait=15"}});
    EXPECT_EQ(failed.status, 422);
    const std::string job = failed.headers.at("location");
    EXPECT_EQ(json(ask("GET", job))["error"]["code"], "stream-decode");
    EXPECT_EQ(ask("GET", job + "/result").status, 422);
}

TEST_F(Http, TooManyBytesAreRefusedWhileTheyArrive)
{
    options_.limits.max_bytes = 100000;
    start();
    const std::string head = "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n";
    {
        SCOPED_TRACE("declared, and nothing sent yet");
        Client client(port());
        client.send(head + "Content-Length: 50000000\r\n\r\n");
        const Answer answer = client.receive();
        EXPECT_EQ(breach("POST", "/upload", answer), "");
        EXPECT_EQ(code(answer), "size-bytes");
        EXPECT_EQ(json(answer)["limit"], 100000);
        EXPECT_EQ(json(answer)["actual"], 50000000);
        EXPECT_TRUE(client.ends());
    }
    {
        SCOPED_TRACE("chunked");
        Client client(port());
        client.send(head + "Transfer-Encoding: chunked\r\n\r\n");
        const std::string chunk = "4000\r\n" + std::string(0x4000, 'x') + "\r\n";
        for (int i = 0; i < 10; ++i)
            client.send(chunk);
        const Answer answer = client.receive();
        EXPECT_EQ(code(answer), "size-bytes");
        EXPECT_TRUE(client.ends());
    }
    {
        SCOPED_TRACE("a client that never stops is cut off, and could have read why");
        Client client(port());
        client.send(head + "Content-Length: 500000000\r\n\r\n");
        const std::string part(1 << 16, 'x');
        int parts = 0;
        while (parts < 5000 && client.send(part))
            ++parts;
        EXPECT_LT(parts, 5000);
    }
    {
        SCOPED_TRACE("many chunks a read, of which each could be handed to a connection that sleeps");
        const std::string chunk = "40\r\n" + std::string(0x40, 'x') + "\r\n";
        std::string chunks;
        while (chunks.size() < 1 << 16)
            chunks += chunk;
        Client client(port());
        client.send(head + "Transfer-Encoding: chunked\r\n\r\n");
        int parts = 0;
        while (parts < 5000 && client.send(chunks))
            ++parts;
        EXPECT_LT(parts, 5000);
        EXPECT_EQ(ask("GET", "/livez").status, 200);
    }
    {
        SCOPED_TRACE("a little too much keeps the connection");
        Client client(port());
        client.send(head + "Content-Length: 120000\r\n\r\n" + std::string(120000, 'x'));
        EXPECT_EQ(code(client.receive()), "size-bytes");
        client.send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_EQ(client.receive().status, 200);
    }
    EXPECT_EQ(ask("POST", "/v1/jobs", std::string(110000, 'x'), {{"Content-Type", "image/jpeg"}}).status,
              413);
}

TEST_F(Http, SlowClientsAreCutOff)
{
    options_.limits.header_timeout = 1;
    options_.limits.body_timeout = 1;
    start();
    Client silent(port());
    Client head(port());
    Client body(port());
    head.send("GET /livez HT");
    body.send(
        "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 1000\r\n\r\nabc");
    const Answer late = body.receive();
    EXPECT_EQ(breach("POST", "/upload", late), "");
    EXPECT_EQ(code(late), "body-slow");
    EXPECT_TRUE(body.ends());
    EXPECT_TRUE(head.ends());
    EXPECT_TRUE(silent.ends());
    Client job(port());
    job.send(
        "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 1000\r\n\r\nabc");
    EXPECT_EQ(breach("POST", "/v1/jobs", job.receive()), "");
    EXPECT_EQ(ask("GET", "/livez").status, 200);
}

TEST_F(Http, TellsIdleConnectionsFromSlowHeads)
{
    options_.limits.header_timeout = 1;
    start();
    Client idle(port());
    idle.send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(idle.receive().status, 200);
    EXPECT_TRUE(idle.ends());
    const std::string text = request(service_->metrics_port(), "GET", "/metrics").body;
    EXPECT_NE(text.find("anime_connection_timeouts_total{phase=\"idle\"} 1"), std::string::npos);
    EXPECT_EQ(text.find("anime_connection_timeouts_total{phase=\"head\"}"), std::string::npos);
    EXPECT_NE(text.find("# TYPE anime_log_lines_dropped_total counter"), std::string::npos);
}

TEST_F(Http, LimitsEachClientOnItsOwn)
{
    options_.limits.rate = 1;
    options_.limits.burst = 1;
    start();
    EXPECT_EQ(post("/upload", photo()).status, 200);
    const Answer often = post("/upload", photo());
    EXPECT_EQ(code(often), "rate");
    EXPECT_GE(std::stoi(often.headers.at("retry-after")), 1);
    EXPECT_EQ(post("/v1/jobs", photo()).status, 429);
    EXPECT_EQ(ask("POST", "/upload", photo(), {{"Content-Type", "image/jpeg"}}, 9).status, 200);
    EXPECT_EQ(
        ask("POST", "/upload", photo(), {{"Content-Type", "image/jpeg"}, {"X-Forwarded-For", "1.2.3.4"}})
            .status,
        429)
        << "nobody trusts this client to speak for others";
}

TEST_F(Http, ATrustedProxySpeaksForItsClients)
{
    options_.limits.rate = 1;
    options_.limits.burst = 1;
    options_.trusted_proxies = {"127.0.0.1"};
    start();
    for (const char *client : {"192.0.2.1", "192.0.2.2"})
        EXPECT_EQ(post("/upload", photo(), {{"X-Forwarded-For", client}}).status, 200);
    EXPECT_EQ(post("/upload", photo(), {{"X-Forwarded-For", "192.0.2.1"}}).status, 429);
}

TEST_F(Http, LimitsTheConnectionsOfAClient)
{
    options_.limits.max_connections_per_client = 2;
    start();
    Client first(port(), 7);
    Client second(port(), 7);
    first.send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
    second.send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(first.receive().status, 200);
    EXPECT_EQ(second.receive().status, 200);
    for (const auto &[method, path] : documented_operations())
        EXPECT_EQ(code(ask(method, path, {}, {}, 7)), "connections");
    EXPECT_EQ(request(port(), "GET", "/v1/limits", {}, {}, 8).status, 200);
}

TEST_F(Http, AFullQueueRefusesAndSaysWhenToComeBack)
{
    options_.limits.workers = 1;
    options_.limits.queue_size = 1;
    start();
    std::set<int> statuses;
    for (int i = 0; i < 4; ++i) {
        const Answer answer = post("/v1/jobs?pipeline=slow", photo(i));
        statuses.insert(answer.status);
        if (answer.status == 503) {
            EXPECT_EQ(code(answer), "queue-full");
            EXPECT_TRUE(answer.headers.contains("retry-after"));
        }
    }
    EXPECT_EQ(statuses, (std::set<int>{202, 503}));
    int status = 0;
    for (int i = 10; i < 100 && status != 503; i += 3) { // it empties while a busy machine looks elsewhere
        post("/v1/jobs?pipeline=slow", photo(i));
        post("/v1/jobs?pipeline=slow", photo(i + 1));
        status = post("/upload?pipeline=slow", photo(i + 2)).status;
    }
    EXPECT_EQ(status, 503);
}

TEST_F(Http, MemoryAboveTheHardLimitRefusesUploadsAndNothingElse)
{
    options_.limits.memory_soft = 1;
    options_.limits.memory_hard = 1;
    start();
    EXPECT_EQ(code(post("/upload", photo())), "memory");
    EXPECT_EQ(ask("GET", "/livez").status, 200);
}

TEST_F(Http, MemoryAboveTheSoftLimitWarnsAndTrims)
{
    options_.limits.memory_soft = 1;
    start();
    EXPECT_EQ(post("/upload", photo()).status, 200);
    await_metric("anime_memory_trims_total", [](double trims) { return trims >= 1; });
    EXPECT_NE(log().find("memory above the soft limit"), std::string::npos);
}

TEST_F(Http, UploadsTogetherAreBounded)
{
    options_.limits.max_pending_bytes = 200000;
    start();
    const std::string head = "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"
                             "Content-Length: 150000\r\n\r\n";
    Client first(port());
    first.send(head + std::string(140000, 'x'));
    await_metric("anime_pending_upload_bytes", [](double bytes) { return bytes == 140000; });
    Client second(port());
    second.send(head + std::string(150000, 'x'));
    EXPECT_EQ(code(second.receive()), "uploads-full");
}

TEST_F(Http, WorkThatTakesTooLongEndsAsATimeout)
{
    options_.limits.deadline = 1;
    options_.limits.workers = 1;
    start();
    std::string last;
    for (int i = 0; i < 8; ++i)
        last = create("/v1/jobs?pipeline=slow", photo(i)); // 300 ms each: the eighth can't be reached
    EXPECT_EQ(finished(last)["error"]["code"], "deadline");
    const Answer result = ask("GET", "/v1/jobs/" + last + "/result");
    EXPECT_EQ(result.status, 504);
}

TEST_F(Http, TryingAgainWithTheSameKeyAfterATimeoutTriesAgain)
{
    options_.limits.deadline = 1;
    options_.limits.workers = 1;
    start();
    for (int i = 0; i < 8; ++i)
        create("/v1/jobs?pipeline=slow", photo(i));
    const std::map<std::string, std::string> headers = {{"Idempotency-Key", "k1"}, {"Prefer", "wait=15"}};
    EXPECT_EQ(code(post("/v1/jobs?pipeline=slow", photo(9), headers)), "deadline");
    EXPECT_EQ(post("/v1/jobs?pipeline=slow", photo(9), headers).status, 200) << "the queue is empty by now";
}

TEST_F(Http, RequestIdsAreEchoedWhenTheyAreHarmless)
{
    start();
    EXPECT_EQ(ask("GET", "/livez", {}, {{"X-Request-ID", "abc-1.2:3"}}).headers.at("x-request-id"),
              "abc-1.2:3");
    const std::string other =
        ask("GET", "/livez", {}, {{"X-Request-ID", "a b\"c"}}).headers.at("x-request-id");
    EXPECT_EQ(other.size(), 32u);
}

TEST_F(Http, SaysWhatItOffers)
{
    start();
    const auto limits = json(ask("GET", "/v1/limits"));
    EXPECT_EQ(limits["upload"]["max_bytes"], 5 << 20);
    // AVIF where the machine's libheif has an encoder for it.
    EXPECT_EQ(limits["options"]["format"]["values"].dump().substr(0, 20), R"(["jpeg","png","webp")");
    for (const LimitSpec &spec : limit_specs()) {
        std::string key = spec.name;
        std::replace(key.begin(), key.end(), '-', '_');
        EXPECT_EQ(limits["service"][key], options_.limits.*spec.value);
    }
    const auto styles = json(ask("GET", "/v1/styles"))["styles"];
    EXPECT_EQ(styles[0]["name"], "default");
    EXPECT_EQ(styles[0]["model"], "default") << "this description paints with no style";
    for (std::size_t i = 1; i < styles.size(); ++i)
        EXPECT_NE(styles[i]["licence"], "") << styles[i];
    const Answer file = ask("GET", "/openapi.json");
    EXPECT_EQ(file.status, 200);
    EXPECT_NE(file.headers.at("content-security-policy").find("default-src 'none'"), std::string::npos);
    EXPECT_EQ(ask("GET", "/openapi.json", {}, {{"If-None-Match", file.headers.at("etag")}}).status, 304);
    const Answer head = request(port(), "HEAD", "/openapi.json");
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.headers.at("content-length"), std::to_string(file.body.size()));
}

TEST_F(Http, AcceptChoosesTheFormatWhereNoOptionDoes)
{
    start();
    EXPECT_EQ(json(post("/v1/jobs", photo(), {{"Accept", "image/png"}}))["options"]["format"], "png");
    EXPECT_EQ(json(post("/v1/jobs?format=jpeg", photo(), {{"Accept", "image/png"}}))["options"]["format"],
              "jpeg");
    EXPECT_EQ(json(post("/v1/jobs", photo()))["options"]["format"], "jpeg");
}

TEST_F(Http, MetricsCountWhatHappened)
{
    start();
    post("/upload", photo());
    request(port(), "GET", "/nothing");
    for (const char *name :
         {"anime_http_requests_total{method=\"POST\",route=\"/upload\",status=\"200\"}",
          "anime_rejections_total{code=\"not-found\"}", "anime_cache_requests_total{result=\"miss\"}",
          "anime_stage_duration_seconds_count{stage=\"total\"}", "anime_model_ready"})
        await_metric(name, [](double value) { return value == 1; });
    const std::string text = request(service_->metrics_port(), "GET", "/metrics").body;
    for (const char *line : {"anime_workers 2", "# TYPE anime_http_request_duration_seconds histogram",
                             "process_resident_memory_bytes"})
        EXPECT_NE(text.find(line), std::string::npos) << line;
    EXPECT_EQ(request(service_->metrics_port(), "GET", "/livez").status, 200);
    EXPECT_EQ(request(service_->metrics_port(), "POST", "/metrics").status, 405);
    EXPECT_EQ(request(port(), "GET", "/metrics").status, 404) << "only on its own address";
}

TEST_F(Http, RefusesToStartWithoutItsDescription)
{
    options_.pipeline = "nope";
    try {
        start();
        FAIL();
    } catch (const std::runtime_error &error) {
        EXPECT_NE(std::string(error.what()).find("nope"), std::string::npos);
    }
}

/// After all the others: what is documented was seen, but for what needs the project's own elements.
class Documented : public testing::Environment
{
    void TearDown() override
    {
        if (testing::GTEST_FLAG(filter) != "*")
            return;
        const std::set<std::string> elsewhere = {
            "POST /upload 410", // cancelled by id while its connection waits
            "GET / 200",
            "GET / 304", // tests/browser
            "GET /v1/jobs/{id}/result 413",
            "GET /v1/jobs/{id}/result 415", // need sizeguard: tests/load
            "GET /v1/jobs/{id}/result 503", // a model that went away
            "POST /upload 504",
            "POST /v1/images/edits 504",
            "POST /v1/images/edits 410",
            "POST /v1/images/edits 408", // as /upload
            "POST /v1/jobs 504",
            "POST /upload 500",
            "POST /v1/jobs 500",
            "GET /v1/jobs/{id}/result 500", // every cause that is known has a status of its own
        };
        for (const std::string &answer : documented_answers())
            EXPECT_TRUE(seen_answers().contains(answer) || elsewhere.contains(answer))
                << answer << " is documented, but no test has seen it";
    }
};

} // namespace anime::service

int main(int argc, char **argv)
{
    testing::InitGoogleTest(&argc, argv);
    gst_init(nullptr, nullptr);
    testing::AddGlobalTestEnvironment(new anime::service::Documented);
    return RUN_ALL_TESTS();
}
