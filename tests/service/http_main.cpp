// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs the tests over HTTP. Every answer is held against openapi.json on the way, and in the end what is
// documented has to have been seen.
#include "tests/service/contract.h"

#include <gst/gst.h>
#include <gtest/gtest.h>

namespace anime::service
{

namespace
{

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

} // namespace

} // namespace anime::service

int main(int argc, char **argv)
{
    testing::InitGoogleTest(&argc, argv);
    gst_init(nullptr, nullptr);
    testing::AddGlobalTestEnvironment(new anime::service::Documented);
    return RUN_ALL_TESTS();
}
