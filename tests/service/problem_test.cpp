// SPDX-License-Identifier: LGPL-2.1-or-later
// Codes, their status, and the answers made of them.
#include "service/problem.h"

#include "service/answers.h"
#include "service/resources.h"

#include <gst/gst.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <set>

namespace anime::service
{

TEST(Problems, CodesHaveTheirStatus)
{
    const std::pair<const char *, int> expected[] = {
        {"size-bytes", 413},    {"format-unsupported", 415}, {"image-truncated", 422},
        {"image-corrupt", 422}, {"size-pixels", 422},        {"size-scans", 422},
        {"out-of-memory", 503}, {"deadline", 504},           {"file-missing", 400},
        {"rate", 429},          {"queue-full", 503},         {"body-slow", 408},
        {"job-not-found", 404}, {"job-cancelled", 410},      {"stream-decode", 422},
        {"model-missing", 503}, {"service-failed", 503},     {"internal", 503},
        {"failed", 503},        {"core-failed", 503},        {"resource-no-space-left", 503},
        {"something-else", 500}};
    for (const auto &[code, status] : expected)
        EXPECT_EQ(status_of(code), status) << code;
}

TEST(Problems, EveryCodeOfTheTableAndOfGStreamerHasAStatusAndIsInTheContract)
{
    const auto contract = nlohmann::json::parse(resource("/openapi.json"));
    const auto documented = contract["components"]["schemas"]["Code"]["enum"].get<std::set<std::string>>();
    const auto expect_known = [&](const std::string &code) {
        EXPECT_NE(status_of(code), 500) << code;
        EXPECT_TRUE(documented.contains(code)) << code;
    };
#define ANIME_ERROR(name, domain, number, status, sentence)                                                  \
    if ((status) > 0)                                                                                        \
        expect_known(name);
#include "elements/common/errors.def"
#undef ANIME_ERROR
    const std::pair<const char *, GType> domains[] = {{"core", GST_TYPE_CORE_ERROR},
                                                      {"library", GST_TYPE_LIBRARY_ERROR},
                                                      {"resource", GST_TYPE_RESOURCE_ERROR},
                                                      {"stream", GST_TYPE_STREAM_ERROR}};
    for (const auto &[domain, type] : domains) {
        auto *values = static_cast<GEnumClass *>(g_type_class_ref(type));
        for (guint i = 0; i < values->n_values; ++i)
            if (values->values[i].value_nick != std::string("num-errors"))
                expect_known(std::string(domain) + "-" + values->values[i].value_nick);
        g_type_class_unref(values);
    }
}

TEST(Problems, CarryWhatAClientNeeds)
{
    Problem problem = make_problem("rate", "Too often.", "Wait.", 7);
    problem.limit = 60;
    const auto json = to_json(problem, "id-1", "/v1/jobs/x");
    EXPECT_EQ(json["status"], 429);
    EXPECT_EQ(json["code"], "rate");
    EXPECT_EQ(json["detail"], "Too often.");
    EXPECT_EQ(json["remedy"], "Wait.");
    EXPECT_EQ(json["request_id"], "id-1");
    EXPECT_EQ(json["limit"], 60);
    EXPECT_EQ(json["retry_after"], 7);
    EXPECT_FALSE(json.contains("actual"));
    const Response response = problem_response(problem, "id-1", "/v1/jobs/x");
    EXPECT_EQ(response.headers.back(), (std::pair<std::string, std::string>{"Retry-After", "7"}));
    EXPECT_TRUE(wire_format(response).starts_with("HTTP/1.1 429 Too Many Requests\r\n"));
}

} // namespace anime::service
