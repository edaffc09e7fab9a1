// SPDX-License-Identifier: LGPL-2.1-or-later
// Films whose painting ends too early, killed, interrupted, on a full disk, and is gone on with. The painter
// of these tests takes its time for each frame and its encoder puts key frames close to each other, so that
// there is a middle in which to end it; all else is the film's own description.
#include "tests/pipelines/film/fixture.h"

#include <glib.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <sys/wait.h>
#include <thread>

using testing::HasSubstr;

namespace
{

constexpr int key_frame_distance = 12;

class Resume : public Film
{
protected:
    /// A film's description that paints at most 100 frames a second.
    fs::path slow(const std::string &name) const
    {
        std::ifstream in(fs::path(ANIME_SOURCE) / "pipelines" / (name + ".launch"));
        std::string text{std::istreambuf_iterator<char>(in), {}};
        const auto replace = [&](const std::string &from, const std::string &to) {
            const std::size_t at = text.find(from);
            ASSERT_NE(at, std::string::npos) << from;
            text.replace(at, from.size(), to);
        };
        const bool webm = name == "film-webm";
        replace("identity name=coded", "identity name=coded sleep-time=10000");
        replace(webm ? "keyframe-max-dist=240" : "speed-preset=veryfast",
                (webm ? "keyframe-max-dist=" : "speed-preset=veryfast key-int-max=") +
                    std::to_string(key_frame_distance));
        const fs::path path = folder_ / (name + "-slow.launch");
        std::ofstream(path) << text;
        return path;
    }

    Words command(const fs::path &in, const fs::path &out, Words more = {"--resume"}) const
    {
        const std::string type = out.extension();
        Words words = {ANIME_RUN,
                       "--strength",
                       "0",
                       "--stall-after",
                       "60",
                       "--pipeline",
                       slow(type == ".mp4" ? "film" : "film-" + type.substr(1))};
        words.insert(words.end(), more.begin(), more.end());
        words.insert(words.end(), {in, out});
        return words;
    }

    /// Key frames in the journal, by its heads: a kind, a size.
    static int groups_in(const fs::path &out)
    {
        std::ifstream file(journal_of(out), std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(file), {}};
        int groups = 0;
        for (std::size_t at = 0; at + 40 <= bytes.size();) {
            std::uint32_t head[2];
            std::memcpy(head, bytes.data() + at, sizeof head);
            groups += head[0] == 0x31414e41 + 3;
            at += 40 + head[1];
        }
        return groups;
    }

    /// Starts a command and sends it a signal when it has painted two whole groups. Its exit status.
    int end_in_the_middle(const Words &words, const fs::path &out, int signal) const
    {
        std::vector<gchar *> argv;
        for (const std::string &word : words)
            argv.push_back(const_cast<gchar *>(word.c_str()));
        argv.push_back(nullptr);
        GPid child = 0;
        const auto flags = static_cast<GSpawnFlags>(G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH |
                                                    G_SPAWN_STDOUT_TO_DEV_NULL);
        if (!g_spawn_async(nullptr, argv.data(), nullptr, flags, nullptr, nullptr, &child, nullptr)) {
            ADD_FAILURE() << words[0] << " can't be started";
            return -1;
        }
        using namespace std::chrono_literals;
        const auto deadline = std::chrono::steady_clock::now() + 120s;
        while (groups_in(out) < 3 && std::chrono::steady_clock::now() < deadline)
            std::this_thread::sleep_for(5ms);
        EXPECT_GE(groups_in(out), 3) << "it came to no middle";
        kill(child, signal);
        int status = 0;
        waitpid(child, &status, 0);
        return status;
    }

    /// How alike the pictures of two films are, each to that of the same number, in dB: below 25 where they
    /// are shifted by one.
    static double likeness(const fs::path &one, const fs::path &other)
    {
        const Ended ended =
            run({"ffmpeg", "-v", "info", "-i", one, "-i", other, "-lavfi",
                 "[0:v]settb=1/25,setpts=N[a];[1:v]settb=1/25,setpts=N[b];[a][b]psnr", "-f", "null", "-"});
        const std::size_t at = ended.err.find(" min:");
        return at == std::string::npos ? 0 : std::atof(ended.err.c_str() + at + 5);
    }

    void expect_nothing_but(const std::vector<fs::path> &names) const
    {
        for (const fs::directory_entry &entry : fs::directory_iterator(folder_))
            if (entry.path().extension() != ".launch") {
                EXPECT_THAT(names, testing::Contains(entry.path().filename()));
            }
    }

    /// 120 frames, each unlike the one before.
    fs::path film(const std::string &name, const std::string &codecs, const std::string &drop = "")
    {
        return make(name, "videotestsrc pattern=ball motion=sweep num-buffers=120 ! "
                          "video/x-raw,width=160,height=120,framerate=25/1 " +
                              drop + "! x264enc key-int-max=30 bframes=2 ! h264parse ! " + codecs);
    }
};

struct Container {
    const char *in;
    const char *line; ///< the muxer, with sound
    const char *out;
};

class ResumeFrom : public Resume, public testing::WithParamInterface<Container>
{
};

} // namespace

TEST_P(ResumeFrom, LosesNothingWhenItIsKilled)
{
    const auto &[name, line, out_name] = GetParam();
    const fs::path in = film(name, line);
    const fs::path out = folder_ / out_name;
    const int status = end_in_the_middle(command(in, out), out, SIGKILL);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "it was done before";
    EXPECT_FALSE(fs::exists(out));
    const Ended ended = run(command(in, out));
    ASSERT_EQ(ended.code, 0) << ended.err;
    EXPECT_EQ(ended.err, "");
    const Seen seen = look(in);
    EXPECT_EQ(seen.frames.size(), 120U);
    expect_same(seen, look(out));
    EXPECT_GT(likeness(in, out), 28);
    expect_nothing_but({name, out_name});
}

INSTANTIATE_TEST_SUITE_P(
    Film, ResumeFrom,
    testing::Values(
        Container{"in.mkv", "matroskamux name=m audiotestsrc num-buffers=200 ! opusenc ! m. m.", "out.mp4"},
        Container{"in.mp4", "mp4mux name=m audiotestsrc num-buffers=200 ! avenc_aac ! aacparse ! m. m.",
                  "out.mkv"},
        Container{"in.flv", "flvmux name=m audiotestsrc num-buffers=200 ! avenc_aac ! aacparse ! m. m.",
                  "out.mp4"},
        Container{"silent.ts", "mpegtsmux", "out.mp4"}, Container{"silent.mkv", "matroskamux", "out.webm"}),
    [](const testing::TestParamInfo<Container> &info) {
        std::string name = std::string(info.param.in) + "_" + info.param.out;
        std::ranges::replace(name, '.', '_');
        return name;
    });

TEST_F(Resume, KeepsTheTimesOfAVariableRate)
{
    const fs::path in = film("in.mkv", "matroskamux", "! identity drop-probability=0.3 ");
    const fs::path out = folder_ / "out.mp4";
    end_in_the_middle(command(in, out), out, SIGKILL);
    const Ended ended = run(command(in, out));
    ASSERT_EQ(ended.code, 0) << ended.err;
    expect_same(look(in), look(out));
}

TEST_F(Resume, SurvivesMoreThanOneEnd)
{
    const fs::path in = film("in.mkv", "matroskamux");
    const fs::path out = folder_ / "out.mp4";
    end_in_the_middle(command(in, out), out, SIGKILL);
    end_in_the_middle(command(in, out), out, SIGKILL);
    EXPECT_EQ(run(command(in, out)).code, 0);
    expect_same(look(in), look(out));
}

TEST_F(Resume, IsOfferedWhenTheUserInterrupts)
{
    const fs::path in = film("in.mkv", "matroskamux");
    const fs::path out = folder_ / "out.mp4";
    const Words words = command(in, out);
    Words heard = {"sh", "-c", "exec \"$@\" 2> \"$0\"", folder_ / "said.txt"};
    heard.insert(heard.end(), words.begin(), words.end());
    const int status = end_in_the_middle(heard, out, SIGINT);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 130);
    std::ifstream said(folder_ / "said.txt");
    EXPECT_THAT((std::string{std::istreambuf_iterator<char>(said), {}}), HasSubstr("--resume goes on"));
    EXPECT_TRUE(fs::exists(journal_of(out)));
    EXPECT_EQ(run(words).code, 0);
    expect_same(look(in), look(out));
    expect_nothing_but({"in.mkv", "out.mp4", "said.txt"});
}

TEST_F(Resume, WorksAfterARunThatWasNotToldSo)
{
    // Nobody says beforehand that the power will fail.
    const fs::path in = film("in.mkv", "matroskamux");
    const fs::path out = folder_ / "out.mp4";
    end_in_the_middle(command(in, out, {}), out, SIGKILL);
    EXPECT_TRUE(fs::exists(journal_of(out)));
    EXPECT_EQ(run(command(in, out)).code, 0);
    expect_same(look(in), look(out));
    // And without it, a film is begun anew, whatever lies there.
    fs::remove(out);
    std::ofstream(journal_of(out)) << "rotten";
    EXPECT_EQ(run(command(in, out, {})).code, 0);
    expect_same(look(in), look(out));
    expect_nothing_but({"in.mkv", "out.mp4"});
}

TEST_F(Resume, IsRefusedWhenSomethingElseWouldCome)
{
    const fs::path in = film("in.mkv", "matroskamux");
    const fs::path out = folder_ / "out.mp4";
    end_in_the_middle(command(in, out), out, SIGKILL);
    Words other = command(in, out);
    other[2] = "0.5";
    const Ended strength = run(other);
    EXPECT_EQ(strength.code, 1);
    EXPECT_THAT(strength.err,
                testing::AllOf(HasSubstr("its strength was 0, and now it is 0.5"),
                               HasSubstr("without --resume"), HasSubstr("[film-resume-refused]")));
    const auto changed = fs::last_write_time(in);
    fs::last_write_time(in, changed + std::chrono::seconds(1));
    EXPECT_THAT(run(command(in, out)).err,
                testing::AllOf(HasSubstr("its film was "), HasSubstr("[film-resume-refused]")));
    fs::last_write_time(in, changed);
    EXPECT_EQ(run(command(in, out)).code, 0) << "it is still there";
    expect_same(look(in), look(out));
}

TEST_F(Resume, GoesOnFromBeforeTheDamage)
{
    const fs::path in = film("in.mkv", "matroskamux");
    const fs::path out = folder_ / "out.mp4";
    for (const int part : {3, 1}) { // quarters: in the first group of pictures too
        end_in_the_middle(command(in, out), out, SIGKILL);
        const auto size = fs::file_size(journal_of(out));
        {
            std::fstream file(journal_of(out), std::ios::in | std::ios::out | std::ios::binary);
            file.seekp(static_cast<std::streamoff>(size * static_cast<unsigned>(part) / 4));
            file << "damage";
        }
        const Ended ended = run(command(in, out));
        EXPECT_EQ(ended.code, 0) << ended.err;
        expect_same(look(in), look(out));
        fs::remove(out);
    }
}

TEST_F(Resume, IsPossibleWhenTheDiskWasFull)
{
    const fs::path in = film("in.mkv", "matroskamux");
    const fs::path out = folder_ / "out.mp4";
    run({ANIME_RUN, "--version"}); // GStreamer's registry is written before the limit is there
    const Words words = command(in, out);
    Words limited = {"prlimit", "--fsize=12000", "env", "--ignore-signal=XFSZ"};
    limited.insert(limited.end(), words.begin(), words.end());
    const Ended full = run(limited);
    EXPECT_EQ(full.code, 1);
    EXPECT_THAT(full.err, testing::Not(HasSubstr("[film-frames-damaged]"))) << "they were on their way";
    EXPECT_THAT(full.err, testing::AllOf(HasSubstr("can't be written: File too large"),
                                         HasSubstr("[resource-write]"), HasSubstr("--resume goes on")));
    EXPECT_EQ(run(words).code, 0);
    expect_same(look(in), look(out));
    expect_nothing_but({"in.mkv", "out.mp4"});
}

TEST_F(Resume, LeavesNoPieceOfAFilmForWhichThereWasNoSpace)
{
    // The pictures take less than the sound, which is as large in the film as it was.
    const fs::path in = make("in.mkv", "matroskamux name=m audiotestsrc num-buffers=100 ! "
                                       "audio/x-raw,format=S16LE,rate=44100,channels=2 ! m. "
                                       "videotestsrc pattern=black num-buffers=50 ! "
                                       "video/x-raw,width=160,height=120,framerate=25/1 ! x264enc ! m. m.");
    const fs::path out = folder_ / "out.mov";
    run({ANIME_RUN, "--version"}); // GStreamer's registry is written before the limit is there
    for (const bool resume : {false, true}) {
        SCOPED_TRACE(resume);
        Words limited = {"prlimit", "--fsize=100000", "env", "--ignore-signal=XFSZ"};
        const Words words = command(in, out, resume ? Words{"--resume"} : Words{});
        limited.insert(limited.end(), words.begin(), words.end());
        const Ended full = run(limited);
        EXPECT_EQ(full.code, 1);
        EXPECT_THAT(full.err, HasSubstr("[resource-write]"));
        EXPECT_THAT(full.err, testing::Not(HasSubstr("[film-frames-damaged]")));
        EXPECT_EQ(fs::exists(journal_of(out)), resume);
        expect_nothing_but({"in.mkv", journal_of(out).filename()});
        if (resume) {
            EXPECT_EQ(run(words).code, 0);
            expect_same(look(in), look(out), false); // FFmpeg cuts this sound into packets of its own
        }
    }
}

TEST_F(Resume, IsNotPossibleForTwoAtATime)
{
    const fs::path in = film("in.mkv", "matroskamux");
    const fs::path out = folder_ / "out.mp4";
    // The second one runs while the first is stopped in its middle.
    const Words words = command(in, out);
    const std::string script =
        "\"$@\" & while ! [ -s '" + journal_of(out).string() +
        "' ]; do sleep 0.05; done; kill -STOP $!; \"$@\" 2> \"$0\"; kill -KILL $!; wait";
    Words both = {"timeout", "240", "sh", "-c", script, folder_ / "said.txt"};
    both.insert(both.end(), words.begin(), words.end());
    run(both);
    std::ifstream said(folder_ / "said.txt");
    EXPECT_THAT((std::string{std::istreambuf_iterator<char>(said), {}}), HasSubstr("[film-busy]"));
    EXPECT_EQ(run(words).code, 0);
    expect_same(look(in), look(out));
}

TEST_F(Resume, SaysWhereItCannotKeepAnything)
{
    const Ended ended = paint(film("in.mkv", "matroskamux"), "/proc/out.mp4");
    EXPECT_EQ(ended.code, 1);
    EXPECT_THAT(ended.err, testing::AllOf(HasSubstr("/proc/.out.mp4.unfinished can't be written"),
                                          HasSubstr("[output-unwritable]")));
}

TEST_F(Resume, LeavesOutWhatIsPainted)
{
    fs::create_directories(folder_ / "films");
    fs::rename(film("a.mkv", "matroskamux"), folder_ / "films/a.mkv");
    fs::copy_file(folder_ / "films/a.mkv", folder_ / "films/b.mkv");
    const Words words = {ANIME_RUN, "--strength", "0", "--resume", folder_ / "films", folder_ / "painted/"};
    ASSERT_EQ(run(words).code, 0);
    const auto painted = fs::last_write_time(folder_ / "painted/a.mkv");
    fs::remove(folder_ / "painted/b.mkv");
    const Ended again = run(words);
    EXPECT_EQ(again.code, 0);
    EXPECT_THAT(again.err, HasSubstr("painted already"));
    EXPECT_EQ(fs::last_write_time(folder_ / "painted/a.mkv"), painted);
    EXPECT_TRUE(fs::exists(folder_ / "painted/b.mkv"));
}
