// SPDX-License-Identifier: LGPL-2.1-or-later
// What the log tells of each request.
#include "tests/service/fixture.h"

namespace anime::service
{

using RequestLog = ServiceTest;

TEST_F(RequestLog, OneRequestIdRunsThroughTheLog)
{
    start();
    post("/upload", photo(), {{"X-Request-ID", "good-1"}});
    post("/upload", "this is no photo", {{"X-Request-ID", "bad-1"}});
    std::map<std::string, std::set<std::string>> layers;
    for (const auto &line : log_lines())
        layers[line.value("request_id", "")].insert(line["layer"]);
    EXPECT_TRUE(layers["good-1"].contains("access"));
    EXPECT_TRUE(layers["bad-1"].contains("access"));
    EXPECT_TRUE(layers["bad-1"].contains("failure"));
}

TEST_F(RequestLog, EveryRefusalHasALineThatSaysWhy)
{
    options_.limits.deadline = 3; // longer than ten requests take a busy machine
    options_.limits.workers = 1;
    options_.limits.queue_size = 2;
    options_.limits.burst = 11;
    options_.limits.rate = 1;
    options_.limits.max_bytes = 1000000;
    options_.limits.body_timeout = 3;
    start();
    Client slow(port(), 2);
    slow.send("POST /upload HTTP/1.1\r\nHost: x\r\nX-Request-ID: slow\r\nContent-Type: image/jpeg\r\n"
              "Content-Length: 1000\r\n\r\nabc");
    std::string last;
    for (int i = 0; i < 10; ++i) {
        const Answer answer = post("/v1/jobs?pipeline=slow", slow_photo(i, 150),
                                   {{"X-Request-ID", "job-" + std::to_string(i)}});
        if (answer.status == 202)
            last = json(answer)["id"];
    }
    post("/upload", std::string(2000000, 'x'), {{"X-Request-ID", "large"}});
    post("/upload", photo(), {{"X-Request-ID", "often"}});
    EXPECT_EQ(code(slow.receive()), "body-slow");
    EXPECT_EQ(finished(last)["error"]["code"], "deadline");
    await_metric("anime_rejections_total{code=\"deadline\"}", [](double count) { return count >= 1; });
    std::map<std::string, nlohmann::json> failures;
    std::set<std::string> codes;
    for (const auto &line : log_lines())
        if (line["layer"] == "failure") {
            failures[line["request_id"]] = line;
            codes.insert(line["code"]);
        }
    EXPECT_EQ(failures["large"]["code"], "size-bytes");
    EXPECT_EQ(failures["large"]["limit"], 1000000);
    EXPECT_EQ(failures["often"]["code"], "rate");
    EXPECT_EQ(failures["slow"]["code"], "body-slow");
    EXPECT_TRUE(codes.contains("queue-full"));
    EXPECT_TRUE(codes.contains("deadline"));
}

TEST_F(RequestLog, ARunThatIsSharedIsNamedByWhoSharesIt)
{
    start();
    post("/v1/jobs?pipeline=slow", slow_photo(0, 40), {{"X-Request-ID", "first"}});
    post("/v1/jobs?pipeline=slow", slow_photo(0, 40), {{"X-Request-ID", "second"}, {"Prefer", "wait=15"}});
    std::string painted_by;
    for (const auto &line : log_lines())
        if (line["message"] == "no need to paint" && line["request_id"] == "second")
            painted_by = line.value("painted_by", "");
    EXPECT_EQ(painted_by, "first");
}

} // namespace anime::service
