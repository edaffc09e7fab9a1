// SPDX-License-Identifier: LGPL-2.1-or-later
// Uploads: what is answered, and who and what is not let in.
#include "tests/service/fixture.h"

namespace anime::service
{

using Uploads = ServiceTest;

TEST_F(Uploads, UploadAnswersWithThePictureInBase64)
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

TEST_F(Uploads, UploadTakesTheBarePhotoToo)
{
    start();
    EXPECT_EQ(post("/upload?format=png&strength=0.5&faces=off", photo()).status, 200);
}

TEST_F(Uploads, AnUploadIsCancelledWithItsConnection)
{
    options_.limits.workers = 1;
    start();
    create("/v1/jobs?pipeline=slow", slow_photo(0, 40));
    {
        Client client(port());
        client.send(slow_upload(slow_photo(1, 40)));
        await_metric("anime_jobs", [](double jobs) { return jobs == 2; });
    }
    // The client is gone: an equal upload isn't joined to a live job, and every worker comes free.
    EXPECT_EQ(finished(create("/v1/jobs", photo(2)))["state"], "succeeded");
    EXPECT_NE(log().find("\"code\":\"client-gone\""), std::string::npos);
}

TEST_F(Uploads, AnUploadThatWasCutOffIsPaintedWhenItIsSentAgainWithItsKey)
{
    options_.limits.workers = 1;
    start();
    create("/v1/jobs?pipeline=slow", slow_photo(0, 40));
    {
        Client client(port());
        client.send(slow_upload(slow_photo(1, 40), "Idempotency-Key: k1\r\n"));
        await_metric("anime_jobs", [](double jobs) { return jobs == 2; });
    }
    await_metric("anime_http_connections", [](double count) { return count == 0; });
    EXPECT_EQ(post("/upload?pipeline=slow", slow_photo(1, 40), {{"Idempotency-Key", "k1"}}).status, 200);
}

TEST_F(Uploads, BadRequestsSayWhatIsWrong)
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

TEST_F(Uploads, LimitsEachClientOnItsOwn)
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

TEST_F(Uploads, ATrustedProxySpeaksForItsClients)
{
    options_.limits.rate = 1;
    options_.limits.burst = 1;
    options_.trusted_proxies = {"127.0.0.1"};
    start();
    for (const char *client : {"192.0.2.1", "192.0.2.2"})
        EXPECT_EQ(post("/upload", photo(), {{"X-Forwarded-For", client}}).status, 200);
    EXPECT_EQ(post("/upload", photo(), {{"X-Forwarded-For", "192.0.2.1"}}).status, 429);
}

TEST_F(Uploads, AFullQueueRefusesAndSaysWhenToComeBack)
{
    options_.limits.workers = 1;
    options_.limits.queue_size = 1;
    start();
    std::set<int> statuses;
    for (int i = 0; i < 4; ++i) {
        const Answer answer = post("/v1/jobs?pipeline=slow", slow_photo(i, 400));
        statuses.insert(answer.status);
        if (answer.status == 503) {
            EXPECT_EQ(code(answer), "queue-full");
            EXPECT_TRUE(answer.headers.contains("retry-after"));
        }
    }
    EXPECT_EQ(statuses, (std::set<int>{202, 503}));
    EXPECT_EQ(code(post("/upload?pipeline=slow", slow_photo(4, 400))), "queue-full");
}

TEST_F(Uploads, MemoryAboveTheHardLimitRefusesUploadsAndNothingElse)
{
    options_.limits.memory_soft = 1;
    options_.limits.memory_hard = 1;
    start();
    EXPECT_EQ(code(post("/upload", photo())), "memory");
    EXPECT_EQ(ask("GET", "/livez").status, 200);
}

TEST_F(Uploads, MemoryAboveTheSoftLimitWarnsAndTrims)
{
    options_.limits.memory_soft = 1;
    start();
    EXPECT_EQ(post("/upload", photo()).status, 200);
    await_metric("anime_memory_trims_total", [](double trims) { return trims >= 1; });
    EXPECT_NE(log().find("memory above the soft limit"), std::string::npos);
}

TEST_F(Uploads, UploadsTogetherAreBounded)
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

} // namespace anime::service
