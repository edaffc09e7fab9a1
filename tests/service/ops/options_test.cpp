// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/ops/options.h"

#include <glib.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

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

} // namespace anime::service
