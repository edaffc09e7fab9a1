// SPDX-License-Identifier: LGPL-2.1-or-later
// What the service says of itself: options, styles, limits, its description, metrics.
#include "tests/service/fixture.h"

#include <algorithm>

namespace anime::service
{

using About = ServiceTest;

TEST_F(About, RequestIdsAreEchoedWhenTheyAreHarmless)
{
    start();
    EXPECT_EQ(ask("GET", "/livez", {}, {{"X-Request-ID", "abc-1.2:3"}}).headers.at("x-request-id"),
              "abc-1.2:3");
    const std::string other =
        ask("GET", "/livez", {}, {{"X-Request-ID", "a b\"c"}}).headers.at("x-request-id");
    EXPECT_EQ(other.size(), 32u);
}

TEST_F(About, SaysWhatItOffers)
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

TEST_F(About, MetricsCountWhatHappened)
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

} // namespace anime::service
