// SPDX-License-Identifier: LGPL-2.1-or-later
// A log that never makes anybody wait, and whose lines are JSON whatever is in them.
#include "service/ops/log.h"

#include <glib.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

namespace anime::service
{

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
