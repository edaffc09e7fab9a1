// SPDX-License-Identifier: LGPL-2.1-or-later
// How long a picture can be fetched, and from where.
#include "tests/service/fixture.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace anime::service
{

using Results = ServiceTest;

TEST_F(Results, PicturesOutliveTheProcessInACacheFolder)
{
    char folder[] = "/tmp/anime-service-XXXXXX";
    options_.cache_dir = mkdtemp(folder);
    options_.limits.cache_bytes = 1; // nothing stays in memory
    for (int i = 0; i < 2; ++i) {
        start();
        const std::string id = create("/v1/jobs", photo());
        EXPECT_EQ(finished(id)["state"], "succeeded");
        const Answer result = ask("GET", "/v1/jobs/" + id + "/result");
        EXPECT_TRUE(result.body.starts_with("\xff\xd8"));
        EXPECT_EQ(result.headers.at("x-cache"), i == 0 ? "miss" : "hit");
        const std::string metrics = request(service_->metrics_port(), "GET", "/metrics").body;
        for (const auto &[name, times] : {std::pair("miss", i == 0), std::pair("disk", i == 1)})
            EXPECT_EQ(metrics.find("anime_cache_requests_total{result=\"" + std::string(name) + "\"} 1") !=
                          std::string::npos,
                      times);
        EXPECT_EQ(result.headers.at("server-timing").find("total;dur=0.0"), std::string::npos);
        EXPECT_EQ(log().find("\"cache\":\"disk\"") != std::string::npos, i == 1);
    }
    std::filesystem::remove_all(folder);
}

TEST_F(Results, ADamagedFileIsNotServed)
{
    char folder[] = "/tmp/anime-service-XXXXXX";
    options_.cache_dir = mkdtemp(folder);
    options_.limits.cache_bytes = 1;
    options_.limits.result_bytes = 1; // so that the result comes from the folder
    start();
    const std::string id = create("/v1/jobs", photo());
    EXPECT_EQ(finished(id)["state"], "succeeded");
    EXPECT_EQ(ask("GET", "/v1/jobs/" + id + "/result").status, 200);
    for (const auto &file : std::filesystem::directory_iterator(folder))
        std::filesystem::resize_file(file, file.file_size() - 1);
    EXPECT_EQ(code(ask("GET", "/v1/jobs/" + id + "/result")), "result-expired");
    EXPECT_EQ(json(post("/upload", photo()))["cache"], "miss") << "painted anew";
    std::filesystem::remove_all(folder);
}

TEST_F(Results, ADescriptionThatChangedPaintsAnew)
{
    char pattern[] = "/tmp/anime-service-XXXXXX";
    const std::string folder = mkdtemp(pattern);
    options_.cache_dir = folder + "/cache";
    const std::string installed = std::getenv("ANIME_PIPELINE_PATH");
    setenv("ANIME_PIPELINE_PATH", folder.c_str(), 1);
    std::set<std::string> pictures;
    for (const char *quality : {"92", "10", "10"}) {
        std::ofstream(folder + "/web.launch")
            << "appsrc name=input caps=image/jpeg ! jpegdec ! videoconvert ! jpegenc quality=" << quality
            << " ! appsink name=output sync=false";
        start();
        pictures.insert(json(post("/upload", photo()))["image"]);
        stop();
    }
    EXPECT_EQ(pictures.size(), 2u);
    setenv("ANIME_PIPELINE_PATH", installed.c_str(), 1);
    std::filesystem::remove_all(folder);
}

TEST_F(Results, AResultThatWasNotKeptSaysSo)
{
    options_.limits.cache_bytes = 1;
    options_.limits.result_bytes = 1;
    start();
    const std::string id = create("/v1/jobs", photo());
    EXPECT_EQ(finished(id)["state"], "succeeded");
    EXPECT_EQ(code(ask("GET", "/v1/jobs/" + id + "/result")), "result-expired");
}

TEST_F(Results, AResultIsKeptUntilItWasFetched)
{
    options_.limits.cache_bytes = 1;
    start();
    const std::string result = "/v1/jobs/" + create("/v1/jobs", photo()) + "/result";
    finished(result.substr(9, 32));
    EXPECT_EQ(request(port(), "HEAD", result).status, 200) << "which fetches nothing";
    EXPECT_EQ(ask("GET", result).status, 200);
    await_metric("anime_result_bytes", [](double bytes) { return bytes == 0; });
    EXPECT_EQ(ask("GET", result).status, 410);
}

TEST_F(Results, AnUploadHasItsPictureHoweverLittleIsKept)
{
    options_.limits.cache_bytes = 1;
    options_.limits.result_bytes = 0;
    start();
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(post("/upload", photo(), {{"Idempotency-Key", "k"}}).status, 200);
}

} // namespace anime::service
