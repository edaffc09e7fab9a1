// SPDX-License-Identifier: LGPL-2.1-or-later
// What integrators use: pictures by Accept, formats and qualities, pages of other origins, keys, OpenAI's
// form.
#include "tests/service/fixture.h"

#include "service/text.h"

#include <glib.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace anime::service
{

namespace
{

class ApiTest : public ServiceTest
{
protected:
    ApiTest()
    {
        char name[] = "/tmp/anime-service-XXXXXX";
        folder_ = mkdtemp(name);
    }
    ~ApiTest() override { std::filesystem::remove_all(folder_); }

    std::string key_file(const std::string &lines)
    {
        options_.api_keys = (folder_ / "keys").string();
        std::ofstream(options_.api_keys) << lines;
        return options_.api_keys;
    }
    Answer preflight(const std::string &path, const std::string &origin)
    {
        return request(port(), "OPTIONS", path, {},
                       {{"Origin", origin}, {"Access-Control-Request-Method", "POST"}});
    }
    static std::string value(const Answer &answer, const std::string &name)
    {
        const auto found = answer.headers.find(name);
        return found == answer.headers.end() ? "" : found->second;
    }
    static std::string decoded(const std::string &base64)
    {
        gsize size = 0;
        const std::unique_ptr<guchar, decltype(&g_free)> bytes(g_base64_decode(base64.c_str(), &size),
                                                               g_free);
        return std::string(reinterpret_cast<const char *>(bytes.get()), size);
    }
    /// A form as OpenAI's clients send it.
    Answer edit(const std::string &fields, const std::string &field = "image")
    {
        std::string body = fields + "--edge\r\nContent-Disposition: form-data; name=\"" + field +
                           "\"; filename=\"me.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n" + photo() +
                           "\r\n--edge--\r\n";
        return ask("POST", "/v1/images/edits", body, {{"Content-Type", form_type}});
    }
    static std::string field(const std::string &name, const std::string &value)
    {
        return "--edge\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
    }
    static bool is_webp(const std::string &bytes)
    {
        return bytes.starts_with("RIFF") && bytes.substr(8, 4) == "WEBP";
    }
    static bool is_avif(const std::string &bytes) { return bytes.substr(4, 8) == "ftypavif"; }
    static bool is_png(const std::string &bytes) { return bytes.starts_with("\x89PNG"); }
    static bool is_jpeg(const std::string &bytes) { return bytes.starts_with("\xff\xd8"); }

    std::filesystem::path folder_;
};

} // namespace

TEST_F(ApiTest, UploadAnswersThePictureItselfToWhoAcceptsOnlyThat)
{
    start();
    const auto uploaded = [this](const std::string &accept) {
        return post("/upload", photo(), {{"Accept", accept}});
    };
    const Answer jpeg = uploaded("image/jpeg");
    EXPECT_EQ(jpeg.status, 200);
    EXPECT_EQ(jpeg.headers.at("content-type"), "image/jpeg");
    EXPECT_TRUE(is_jpeg(jpeg.body));
    EXPECT_NE(value(jpeg, "server-timing"), "");
    EXPECT_EQ(ask("GET", value(jpeg, "location")).status, 200);
    EXPECT_TRUE(is_png(uploaded("image/png, application/json").body));
    EXPECT_TRUE(is_jpeg(uploaded("image/*").body));
    EXPECT_TRUE(is_webp(uploaded("image/webp").body));
    EXPECT_TRUE(is_png(post("/upload?format=png", photo(), {{"Accept", "image/*"}}).body));
    for (const char *json_first : {"*/*", "application/json, image/png"})
        EXPECT_TRUE(json(uploaded(json_first)).contains("image")) << json_first;
    EXPECT_EQ(code(uploaded("image/tiff")), "not-acceptable");
    EXPECT_EQ(code(post("/v1/jobs", photo(), {{"Accept", "image/tiff"}})), "not-acceptable");
    EXPECT_EQ(code(post("/upload", "no photo", {{"Accept", "image/jpeg"}})), "stream-decode")
        << "errors are JSON";
}

TEST_F(ApiTest, FormatsAndTheirQualities)
{
    start();
    const auto limits = json(ask("GET", "/v1/limits"))["options"];
    const auto formats = limits["format"]["values"].get<std::vector<std::string>>();
    std::map<std::string, std::size_t> sizes;
    for (const std::string &format : formats) {
        const std::string picture = post("/upload?format=" + format, photo(), {{"Accept", "image/*"}}).body;
        EXPECT_EQ(is_jpeg(picture), format == "jpeg");
        EXPECT_EQ(is_png(picture), format == "png");
        EXPECT_EQ(is_webp(picture), format == "webp");
        EXPECT_EQ(is_avif(picture), format == "avif");
        sizes[format] = picture.size();
        const bool has_quality = limits["quality"]["default"].contains(format);
        EXPECT_EQ(has_quality, format != "png");
        const Answer low = post("/upload?quality=5&format=" + format, photo(), {{"Accept", "image/*"}});
        EXPECT_EQ(low.status, has_quality ? 200 : 400) << format;
        if (has_quality) {
            EXPECT_LT(low.body.size(), picture.size()) << format;
        }
    }
    for (const char *format : {"jpeg", "png", "webp"})
        EXPECT_TRUE(sizes.contains(format)) << format;
    for (const char *wrong : {"quality=0", "quality=101", "quality=high", "quality=50.5", "quality=",
                              "format=gif", "format=WEBP", "max_dimension=512", "max_dimension=-1"})
        EXPECT_EQ(code(post("/upload?" + std::string(wrong), photo())), "option-invalid") << wrong;
    EXPECT_EQ(code(post("/v1/jobs?pipeline=slow&format=webp", photo())), "option-invalid")
        << "it makes no PNG";
}

TEST_F(ApiTest, OtherOriginsMayNotCallUnlessTheOperatorSaysSo)
{
    start();
    const Answer answer = ask("GET", "/v1/limits", {}, {{"Origin", "https://example.org"}});
    EXPECT_EQ(value(answer, "access-control-allow-origin"), "");
    EXPECT_EQ(value(answer, "vary"), "");
    EXPECT_EQ(preflight("/upload", "https://example.org").status, 405);
}

TEST_F(ApiTest, ListedOriginsMayCallAndReadHeadersAndErrors)
{
    options_.cors_origins = {"https://example.org", "http://localhost:3000"};
    start();
    for (const char *origin : {"https://example.org", "http://localhost:3000"}) {
        const Answer asked = preflight("/v1/jobs", origin);
        EXPECT_EQ(asked.status, 204);
        EXPECT_EQ(value(asked, "access-control-allow-origin"), origin);
        EXPECT_EQ(value(asked, "access-control-allow-methods"), "POST");
        EXPECT_NE(value(asked, "access-control-allow-headers").find("Idempotency-Key"), std::string::npos);
        EXPECT_EQ(value(asked, "vary"), "Origin");
        const std::string id = json(post("/v1/jobs", photo(), {{"Origin", origin}}))["id"];
        const Answer events = ask("GET", "/v1/jobs/" + id + "/events", {}, {{"Origin", origin}});
        EXPECT_EQ(value(events, "access-control-allow-origin"), origin) << "for EventSource";
        const Answer error = post("/upload", "no photo", {{"Origin", origin}});
        EXPECT_EQ(value(error, "access-control-allow-origin"), origin) << "or the page learns nothing of it";
        EXPECT_NE(value(error, "access-control-expose-headers").find("X-Request-ID"), std::string::npos);
    }
    for (const char *other : {"https://example.com", "https://example.org.evil.example", "null"}) {
        EXPECT_EQ(value(preflight("/v1/jobs", other), "access-control-allow-origin"), "") << other;
        EXPECT_EQ(value(ask("GET", "/v1/limits", {}, {{"Origin", other}}), "access-control-allow-origin"),
                  "");
    }
    EXPECT_EQ(request(port(), "OPTIONS", "/v1/jobs", {}, {{"Origin", "https://example.org"}}).status, 405)
        << "no preflight";
}

TEST_F(ApiTest, AStarIsForAllOrigins)
{
    options_.cors_origins = {"*"};
    start();
    const Answer answer = ask("GET", "/v1/styles", {}, {{"Origin", "https://anywhere.example"}});
    EXPECT_EQ(value(answer, "access-control-allow-origin"), "*");
}

TEST_F(ApiTest, WhereThereAreKeysOnlyTheyPaint)
{
    key_file("# name, sha256, options\nalice " + sha256("key-of-alice") + "\n\nbob " + sha256("key-of-bob") +
             " rate=1000 share=1 # one at a time\n");
    start();
    const Answer none = post("/upload", photo());
    EXPECT_EQ(code(none), "key-missing");
    EXPECT_EQ(value(none, "www-authenticate"), "Bearer");
    for (const char *wrong : {"Bearer key-of-mallory", "Bearer ", "Basic key-of-alice"})
        EXPECT_EQ(post("/upload", photo(), {{"Authorization", wrong}}).status, 401) << wrong;
    EXPECT_EQ(post("/upload", photo(), {{"Authorization", "bearer key-of-alice"}}).status, 200);
    EXPECT_EQ(post("/upload", photo(), {{"X-API-Key", "key-of-bob"}}).status, 200);
    EXPECT_EQ(code(ask("GET", "/v1/jobs/any")), "key-missing");
    for (const char *open : {"/", "/v1/limits", "/v1/styles", "/livez", "/openapi.json"})
        EXPECT_EQ(ask("GET", open).status, 200) << open;
    await_metric("anime_key_requests_total{key=\"alice\",status=\"200\"}",
                 [](double count) { return count == 1; });
    const std::string text = log();
    EXPECT_NE(text.find("\"key\":\"alice\""), std::string::npos);
    EXPECT_EQ(text.find("key-of-"), std::string::npos) << "no key is ever written down";
}

TEST_F(ApiTest, KeysHaveTheirOwnRateAndShare)
{
    options_.limits.workers = 1;
    options_.limits.rate = 1;
    options_.limits.burst = 1;
    key_file("alice " + sha256("a") + " rate=1\nbob " + sha256("b") + " rate=1000 share=2\n");
    start();
    const std::map<std::string, std::string> alice = {{"X-API-Key", "a"}};
    const std::map<std::string, std::string> bob = {{"X-API-Key", "b"}};
    EXPECT_EQ(post("/upload", photo(), alice).status, 200);
    EXPECT_EQ(code(post("/upload", photo(), alice)), "rate");
    EXPECT_EQ(post("/v1/jobs?pipeline=slow", slow_photo(1, 40), bob).status, 202) << "from the same address";
    EXPECT_EQ(post("/v1/jobs?pipeline=slow", slow_photo(2, 40), bob).status, 202);
    const Answer third = post("/v1/jobs?pipeline=slow", slow_photo(3), bob);
    EXPECT_EQ(code(third), "share-full");
    EXPECT_EQ(json(third)["limit"], 2);
    await_metric("anime_workers_busy", [](double busy) { return busy == 0; });
    EXPECT_EQ(post("/v1/jobs?pipeline=slow", slow_photo(3), bob).status, 202);
}

TEST_F(ApiTest, WhoSendsNoKeyMayPaintWhereTheOperatorAllowsIt)
{
    key_file("alice " + sha256("a") + "\n");
    options_.anonymous = true;
    start();
    EXPECT_EQ(post("/upload", photo()).status, 200);
    EXPECT_EQ(code(post("/upload", photo(), {{"X-API-Key", "wrong"}})), "key-invalid");
}

TEST_F(ApiTest, KeysAreReadAgainAndAFileThatIsWrongChangesNothing)
{
    key_file("alice " + sha256("a") + "\n");
    start();
    const auto status = [this](const char *key) {
        return post("/upload", photo(), {{"X-API-Key", key}}).status;
    };
    EXPECT_EQ(status("a"), 200);
    EXPECT_EQ(status("b"), 401);
    key_file("bob " + sha256("b") + "\n");
    service_->reload();
    EXPECT_EQ(status("a"), 401);
    EXPECT_EQ(status("b"), 200);
    for (const std::string &wrong :
         {std::string("bob secret"), "bob " + sha256("b") + " rate=0", "bob " + sha256("b") + " speed=9",
          "b/b " + sha256("b"), "bob " + sha256("b") + "\nbob " + sha256("c")}) {
        key_file(wrong);
        service_->reload();
        EXPECT_EQ(status("b"), 200) << wrong;
        EXPECT_THROW(ApiKeys(options_.api_keys, 1, 1), std::runtime_error) << wrong;
    }
    EXPECT_NE(log().find("keys, line 2: there is a key named bob already; the keys stay as they were"),
              std::string::npos);
    options_.api_keys = "/nowhere/keys";
    EXPECT_THROW(start(), std::runtime_error);
}

TEST_F(ApiTest, EditsAreAnsweredAsOpenAiDoes)
{
    start();
    const Answer answer = edit(field("model", "gpt-image-1") + field("prompt", "Paint it as anime.") +
                               field("n", "1") + field("size", "auto") + field("quality", "high"));
    ASSERT_EQ(answer.status, 200) << answer.body;
    const auto body = json(answer);
    EXPECT_TRUE(is_png(decoded(body["data"][0]["b64_json"])));
    EXPECT_EQ(body["output_format"], "png");
    EXPECT_GT(body["created"], 1700000000);
    const std::string jpeg = field("output_format", "jpeg") + field("output_compression", "30");
    EXPECT_TRUE(is_jpeg(decoded(json(edit(jpeg, "image[]"))["data"][0]["b64_json"])));
    EXPECT_TRUE(is_webp(decoded(json(edit(field("output_format", "webp")))["data"][0]["b64_json"])));
}

TEST_F(ApiTest, EditsSayWhatIsNotPossible)
{
    start();
    const std::pair<const char *, const char *> wrong[] = {
        {"n", "2"},         {"response_format", "url"}, {"background", "transparent"},
        {"stream", "true"}, {"size", "enormous"},       {"model", "monet"},
        {"mask", "x"},      {"launch", "fakesrc"},
    };
    for (const auto &[name, value] : wrong) {
        const Answer answer = edit(field(name, value));
        EXPECT_EQ(answer.status, 400) << name;
        const auto error = json(answer)["error"];
        EXPECT_EQ(error["code"], "option-invalid") << name;
        EXPECT_EQ(error["type"], "invalid_request_error") << name;
        EXPECT_NE(error["message"], "") << name;
    }
    const Answer none =
        ask("POST", "/v1/images/edits", field("prompt", "x") + "--edge--\r\n", {{"Content-Type", form_type}});
    EXPECT_EQ(json(none)["error"]["code"], "file-missing");
    EXPECT_EQ(code(edit(field("prompt", std::string(40000, 'x')))), "option-invalid");
}

TEST_F(ApiTest, EditsFailAsUploadsDo)
{
    options_.limits.max_bytes = 100000;
    start();
    const auto failed = [this](const std::string &body, const std::string &type) {
        return code(ask("POST", "/v1/images/edits", body, {{"Content-Type", type}}));
    };
    EXPECT_EQ(failed("no photo", "image/jpeg"), "stream-decode");
    EXPECT_EQ(failed(std::string(200000, 'x'), "image/jpeg"), "size-bytes");
    EXPECT_EQ(failed("{}", "application/json"), "media-type");
    service_->drain();
    EXPECT_EQ(failed("x", "image/jpeg"), "draining");
}

TEST_F(ApiTest, EveryAddressThatNeedsAKeySaysSo)
{
    key_file("alice " + sha256("a") + "\n");
    start();
    int asked = 0;
    for (const auto &[method, path] : documented_operations())
        if (method == "POST" || path.starts_with("/v1/jobs")) {
            EXPECT_EQ(code(ask(method, path, "x")), "key-missing") << method << " " << path;
            ++asked;
        }
    EXPECT_EQ(asked, 7);
}

TEST_F(ApiTest, FinishedJobsAreCountedByStateAndCode)
{
    options_.limits.workers = 1;
    start();
    finished(create("/v1/jobs", photo()));
    finished(create("/v1/jobs", photo())); // from the cache
    finished(create("/v1/jobs", "no photo"));
    create("/v1/jobs?pipeline=slow", slow_photo(1, 40));
    ask("DELETE", "/v1/jobs/" + create("/v1/jobs?pipeline=slow", slow_photo(2, 40)));
    const auto count = [this](const char *state, const char *code, double wanted) {
        await_metric("anime_jobs_finished_total{code=\"" + std::string(code) + "\",state=\"" + state + "\"}",
                     [wanted](double value) { return value == wanted; });
    };
    count("failed", "stream-decode", 1);
    count("cancelled", "", 1);
    count("succeeded", "", 3);
}

} // namespace anime::service
