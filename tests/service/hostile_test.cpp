// SPDX-License-Identifier: LGPL-2.1-or-later
// Requests made to do harm: to the logs and metrics, to a proxy in front, to the memory of the process.
#include "fixture.h"

#include <glib.h>

namespace anime::service
{

using Hostile = ServiceTest;

TEST_F(Hostile, MethodsOfTheirOwnShareOneLabel)
{
    start();
    for (const char *method : {"FOO", "\xff\xfe", "G\"E\\T", "get"})
        EXPECT_EQ(request(port(), method, "/nothing").status, 404);
    await_metric("anime_http_requests_total{method=\"other\",route=\"unknown\",status=\"404\"}",
                 [](double count) { return count == 4; });
    const std::string metrics = request(service_->metrics_port(), "GET", "/metrics").body;
    EXPECT_TRUE(g_utf8_validate_len(metrics.data(), metrics.size(), nullptr));
    EXPECT_EQ(metrics.find("FOO"), std::string::npos);
}

TEST_F(Hostile, AnAccessLineIsShortWhateverTheClientWrote)
{
    start();
    const std::string much(6000, 'x');
    request(port(), "M" + much, "/" + much, {}, {{"User-Agent", much}, {"X-Request-ID", "much-1"}});
    request(port(), "GET", "/%ff%fe", {}, {{"User-Agent", "\xff"}, {"X-Request-ID", "bytes-1"}});
    const std::string text = log();
    EXPECT_TRUE(g_utf8_validate_len(text.data(), text.size(), nullptr));
    for (const char *id : {"much-1", "bytes-1"}) {
        const auto at = text.find(id);
        ASSERT_NE(at, std::string::npos);
        const auto start_of_line = text.rfind('\n', at) + 1;
        EXPECT_LT(text.find('\n', at) - start_of_line, 2000u) << id;
    }
}

} // namespace anime::service
