// SPDX-License-Identifier: LGPL-2.1-or-later
// Options, problems, base64 answers, and a log that never makes anybody wait.
#include "service/api/answers.h"
#include "service/http/response.h"
#include "service/ops/log.h"
#include "service/ops/options.h"
#include "service/picture.h"
#include "service/problem.h"
#include "service/resources.h"

#include <glib.h>
#include <gst/gst.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <map>
#include <set>

namespace anime::service
{

namespace
{

ParsedOptions parse(std::vector<std::string> arguments,
                    const std::map<std::string, std::string> &variables = {})
{
    arguments.insert(arguments.begin(), "anime-server");
    return parse_options(arguments, [&](const char *name) -> const char * {
        const auto found = variables.find(name);
        return found == variables.end() ? nullptr : found->second.c_str();
    });
}

} // namespace

TEST(Options, CommandLineBeatsEnvironmentBeatsDefaults)
{
    EXPECT_EQ(parse({}).options->limits.max_bytes, 5 << 20);
    EXPECT_EQ(parse({}, {{"ANIME_MAX_BYTES", "20000"}}).options->limits.max_bytes, 20000);
    EXPECT_EQ(parse({"--max-bytes=30000"}, {{"ANIME_MAX_BYTES", "20000"}}).options->limits.max_bytes, 30000);
    EXPECT_EQ(parse({}, {{"ANIME_ADDRESS", "::"}}).options->address, "::");
    const auto proxies = parse({}, {{"ANIME_TRUSTED_PROXIES", "10.0.0.0/8,::1"}}).options->trusted_proxies;
    EXPECT_EQ(proxies, (std::vector<std::string>{"10.0.0.0/8", "::1"}));
    EXPECT_EQ(parse({"--trusted-proxy=1.2.3.4"}).options->trusted_proxies.front(), "1.2.3.4");
}

TEST(Options, EveryLimitHasAnOptionAndAVariable)
{
    for (const LimitSpec &spec : limit_specs()) {
        std::string variable = std::string("ANIME_") + spec.name;
        for (char &c : variable)
            c = c == '-' ? '_' : g_ascii_toupper(c);
        const std::int64_t value = std::max(spec.least, std::min(spec.most, (Limits{}.*spec.value) + 1));
        std::map<std::string, std::string> variables = {{variable, std::to_string(value)}};
        if (spec.name == std::string("memory-soft"))
            variables["ANIME_MEMORY_HARD"] = std::to_string(value);
        const auto by_variable = parse({}, variables);
        ASSERT_TRUE(by_variable.options) << by_variable.message;
        EXPECT_EQ(by_variable.options->limits.*spec.value, value) << spec.name;
        const auto by_option = parse({std::string("--") + spec.name + "=" + std::to_string(value)});
        ASSERT_TRUE(by_option.options) << by_option.message;
        EXPECT_EQ(by_option.options->limits.*spec.value, value) << spec.name;
        const auto too_small = parse({std::string("--") + spec.name + "=" + std::to_string(spec.least - 1)});
        EXPECT_FALSE(too_small.options) << spec.name;
        EXPECT_NE(too_small.message.find(spec.name), std::string::npos);
    }
}

TEST(Options, MistakesEndTheProgramWithASentence)
{
    for (const auto &result :
         {parse({"--nonsense"}), parse({"photo.jpg"}), parse({"--port=99999"}),
          parse({}, {{"ANIME_PORT", "eighty"}}), parse({"--memory-hard=40000000", "--memory-soft=50000000"}),
          parse({"--max-pending-bytes=1048576"}), parse({"--max-bytes=100000000"})}) {
        EXPECT_FALSE(result.options);
        EXPECT_EQ(result.exit_code, 2);
        EXPECT_TRUE(result.message.starts_with("anime-server: "));
    }
    EXPECT_EQ(parse({"--help"}).exit_code, 0);
    EXPECT_NE(parse({"--help"}).message.find("--max-bytes"), std::string::npos);
    EXPECT_NE(parse({"--version"}).message.find(ANIME_VERSION), std::string::npos);
}

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

TEST(Base64Body, EqualsGlibsWhateverTheSizeAndTheReads)
{
    for (std::size_t size = 0; size < 8; ++size)
        for (std::size_t step : {1, 3, 64}) {
            Bytes bytes;
            for (std::size_t i = 0; i < size; ++i)
                bytes.push_back(static_cast<std::uint8_t>(251 * (i + 1)));
            const Base64Body body{"<", std::make_shared<const Bytes>(bytes), ">"};
            std::string text;
            std::array<char, 64> part{};
            while (const std::size_t count = body.read(text.size(), part.data(), step))
                text.append(part.data(), count);
            char *expected = g_base64_encode(bytes.data(), bytes.size());
            EXPECT_EQ(text, std::string("<") + expected + ">");
            EXPECT_EQ(text.size(), body.size());
            g_free(expected);
        }
}

class LineWriterTest : public testing::Test
{
protected:
    LineWriterTest() { EXPECT_EQ(pipe2(pipe_.data(), O_CLOEXEC), 0); }
    ~LineWriterTest() override
    {
        close(pipe_[0]);
        if (pipe_[1] >= 0)
            close(pipe_[1]);
    }
    std::string read_all()
    {
        close(pipe_[1]);
        pipe_[1] = -1;
        std::string text;
        std::array<char, 4096> part{};
        for (ssize_t n; (n = read(pipe_[0], part.data(), part.size())) > 0;)
            text.append(part.data(), static_cast<std::size_t>(n));
        return text;
    }
    std::array<int, 2> pipe_{};
};

TEST_F(LineWriterTest, WritesLinesInOrder)
{
    {
        LineWriter writer(pipe_[1]);
        EXPECT_TRUE(writer.write("one"));
        EXPECT_TRUE(writer.write("two"));
    }
    EXPECT_EQ(read_all(), "one\ntwo\n");
}

TEST_F(LineWriterTest, DropsAndCountsWhenNobodyReads)
{
    fcntl(pipe_[1], F_SETFL, O_NONBLOCK);
    while (write(pipe_[1], "x", 1) == 1) {
    }
    fcntl(pipe_[1], F_SETFL, 0);
    constexpr std::size_t ring = 32 << 10;
    LineWriter writer(pipe_[1], ring);
    const std::string line(1000, 'x');
    int dropped = 0;
    for (int i = 0; i < 1000; ++i)
        dropped += !writer.write(line);
    EXPECT_EQ(dropped, 1000 - static_cast<int>(ring / 1001));
    EXPECT_EQ(writer.dropped(), static_cast<std::uint64_t>(dropped));
    EXPECT_LE(writer.pending(), ring);
}

TEST_F(LineWriterTest, SurvivesAReaderThatWentAway)
{
    signal(SIGPIPE, SIG_IGN);
    close(pipe_[0]);
    LineWriter writer(pipe_[1]);
    EXPECT_TRUE(writer.write("nobody reads this"));
}

TEST_F(LineWriterTest, CountsALineThatTheDiskHasNoRoomFor)
{
    const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    ASSERT_GE(full, 0);
    {
        LineWriter writer(full);
        EXPECT_TRUE(writer.write("lost"));
        while (writer.pending() > 0)
            std::this_thread::yield();
        EXPECT_EQ(writer.dropped(), 1u);
    }
    close(full);
}

TEST_F(LineWriterTest, TakesGlibsMessagesAsLongAsThereIsALog)
{
    {
        LineWriter writer(pipe_[1]);
        Log log(writer);
        const GlibToLog glib(log);
        g_log("library", G_LOG_LEVEL_WARNING, "heard");
    }
    g_log("library", G_LOG_LEVEL_WARNING, "said on stderr, as there is no log any more");
    const auto line = nlohmann::json::parse(read_all());
    EXPECT_EQ(line["message"], "heard");
    EXPECT_EQ(line["library"], "library");
}

TEST_F(LineWriterTest, ALogLineIsOneJsonObjectWhateverIsInIt)
{
    {
        LineWriter writer(pipe_[1]);
        Log log(writer);
        log.write(Level::warning, Layer::failure, "id-1", "bad \xff byte\nand a line", {{"code", "x"}});
    }
    const std::string text = read_all();
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
    const auto line = nlohmann::json::parse(text);
    EXPECT_EQ(line["level"], "warning");
    EXPECT_EQ(line["layer"], "failure");
    EXPECT_EQ(line["request_id"], "id-1");
    EXPECT_EQ(line["code"], "x");
    EXPECT_TRUE(line.contains("time"));
}

} // namespace anime::service
