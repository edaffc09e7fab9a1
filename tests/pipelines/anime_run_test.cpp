// SPDX-License-Identifier: LGPL-2.1-or-later
// anime-run, and ./animate around it, as a user meets them: output files, exit codes, what they say. The
// pipeline here only decodes and encodes, with GStreamer's own elements.
#include "pipelines/installed.h"
#include "tests/pipelines/program.h"

#include <glib.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

namespace fs = std::filesystem;
using testing::HasSubstr;

namespace
{

class AnimeRun : public testing::Test
{
protected:
    AnimeRun()
    {
        fs::create_directories(folder_ / "photos");
        std::ofstream(folder_ / "copy.launch")
            << "# decodes and encodes\n"
               "filesrc name=input ! pngdec ! identity name=paint ! pngenc ! filesink name=output\n";
        make_photo("photos/a.png");
        make_photo("photos/b.png");
    }

    ~AnimeRun() override { fs::remove_all(folder_); }

    void make_photo(const std::string &name)
    {
        // Without the build's plugin, which a program without its sanitizers can't load.
        const char *registry = std::getenv("GST_REGISTRY_1_0");
        const std::string line =
            "env GST_PLUGIN_PATH_1_0= " +
            (registry ? "GST_REGISTRY_1_0=" + std::string(registry) + ".stock " : std::string()) +
            "gst-launch-1.0 -q videotestsrc num-buffers=1 ! video/x-raw,width=8,height=6 ! "
            "videoconvert ! pngenc ! filesink location=" +
            (folder_ / name).string();
        gint status = -1;
        g_spawn_command_line_sync(line.c_str(), nullptr, nullptr, &status, nullptr);
        ASSERT_EQ(status, 0) << line;
    }

    Ended run(std::vector<std::string> arguments) { return start(ANIME_RUN, std::move(arguments)); }

    Ended start(const std::string &program, std::vector<std::string> arguments)
    {
        arguments.insert(arguments.begin(), program);
        return ::run(std::move(arguments), folder_);
    }

    fs::path folder_ = fs::path(testing::TempDir()) / ("anime-run-" + std::to_string(getpid()));
};

TEST_F(AnimeRun, PaintsAFile)
{
    const Ended ended = run({"-p", "copy.launch", "photos/a.png", "new/a.png"});
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_THAT(ended.out, HasSubstr("photos/a.png -> new/a.png"));
    EXPECT_GT(fs::file_size(folder_ / "new/a.png"), 8U);
}

TEST_F(AnimeRun, PaintsAFolderAndReportsTheFailuresAtTheEnd)
{
    std::ofstream(folder_ / "photos/broken.png") << "no picture";
    const Ended ended = run({"-p", "copy.launch", "photos", "out"});
    EXPECT_EQ(ended.code, 1);
    EXPECT_THAT(ended.out, HasSubstr("2 of 3 files painted into out"));
    EXPECT_THAT(ended.err, HasSubstr("photos/broken.png: "));
    EXPECT_THAT(ended.err, HasSubstr("[no-output]"));
    EXPECT_TRUE(fs::exists(folder_ / "out/a.png"));
    EXPECT_TRUE(fs::exists(folder_ / "out/b.png"));
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "out"), fs::directory_iterator()), 2)
        << "nothing is left of the one that failed";
}

TEST_F(AnimeRun, KeepsAnEarlierOutputWhenItFails)
{
    std::ofstream(folder_ / "broken.png") << "no picture";
    std::ofstream(folder_ / "out.png") << "earlier";
    EXPECT_EQ(run({"-p", "copy.launch", "broken.png", "out.png"}).code, 1);
    EXPECT_EQ(fs::file_size(folder_ / "out.png"), 7U);
}

TEST_F(AnimeRun, LeavesOtherFilesBesideItsOutputAlone)
{
    std::ofstream(folder_ / "out.png.part") << "of the user";
    const auto names = [&] {
        std::set<std::string> found;
        for (const fs::directory_entry &entry : fs::directory_iterator(folder_))
            found.insert(entry.path().filename());
        return found;
    };
    std::set<std::string> expected = names();
    expected.insert("out.png");
    EXPECT_EQ(run({"-p", "copy.launch", "photos/a.png", "out.png"}).code, 0);
    EXPECT_EQ(names(), expected);
    EXPECT_EQ(fs::file_size(folder_ / "out.png.part"), 11U);
}

TEST_F(AnimeRun, GivesItsOutputTheModeOfAnOrdinaryFile)
{
    run({"-p", "copy.launch", "photos/a.png", "out.png"});
    EXPECT_EQ(fs::status(folder_ / "out.png").permissions(),
              fs::status(folder_ / "copy.launch").permissions());
}

TEST_F(AnimeRun, SaysWhyAnOutputCannotBeWritten)
{
    const Ended ended = run({"-p", "copy.launch", "photos/a.png", "/proc/a.png"});
    EXPECT_EQ(ended.code, 1);
    EXPECT_THAT(ended.err, HasSubstr("The file /proc/a.png can't be written: "));
    EXPECT_THAT(ended.err, HasSubstr("[output-unwritable]"));
}

TEST_F(AnimeRun, TakesNamesInAnyScript)
{
    fs::copy_file(folder_ / "copy.launch", folder_ / "复制.launch");
    fs::copy_file(folder_ / "photos/a.png", folder_ / "照片.png");
    const Ended ended = run({"--pipeline", "复制.launch", "照片.png"});
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_TRUE(fs::exists(folder_ / "照片-anime.png"));
    const std::string longest = std::string(251, 'a') + ".png";
    EXPECT_EQ(run({"-p", "copy.launch", "照片.png", longest}).code, 0) << "255 bytes, NAME_MAX";
    EXPECT_THAT(run({"-p", "copy.launch", "--style", "风格.safetensors", "照片.png"}).err,
                HasSubstr("[option-unknown]"))
        << "identity, which stands for the filter here, has no model";
}

TEST_F(AnimeRun, PaintsTheSampleIfNothingIsNamed)
{
    const Ended ended = run({"-p", "copy.launch", "--sample", "photos/a.png"});
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_TRUE(fs::exists(folder_ / "anime.png"));
}

TEST_F(AnimeRun, SaysWhatIsWrongWithTheCommandLine)
{
    struct Case {
        std::vector<std::string> arguments;
        const char *said;
    };
    const Case cases[] = {
        {{}, "Name a photo or a film."},
        {{"--no-such-option"}, "--no-such-option"},
        {{"--strength", "much", "photos/a.png"}, "--strength takes a number from 0 to 1, not \"much\"."},
        {{"--strength", "", "photos/a.png"}, "--strength takes a number from 0 to 1, not \"\"."},
        {{"-p", "absent.launch", "photos/a.png"}, "[description-missing]"},
        {{"-p", "copy.launch", "--style", "hayao", "photos/a.png"}, "[option-unknown]"},
        {{"-p", "copy.launch", "photos/a.png", "photos/a.png"}, "[output-is-input]"},
        {{"-p", "copy.launch", "absent.png"}, "[input-missing]"},
    };
    for (const Case &one : cases) {
        const Ended ended = run(one.arguments);
        EXPECT_EQ(ended.code, 2) << one.said;
        EXPECT_THAT(ended.err, HasSubstr(one.said));
    }
}

TEST_F(AnimeRun, SaysThatThereAreNoDescriptions)
{
    if (fs::exists(anime::installed_descriptions()))
        GTEST_SKIP() << "some are installed in " << anime::installed_descriptions();
    const gchar *path = g_getenv("ANIME_PIPELINE_PATH");
    const std::string before = path ? path : "";
    g_setenv("ANIME_PIPELINE_PATH", "", TRUE);
    const Ended ended = run({"photos/a.png", "out.png"});
    g_setenv("ANIME_PIPELINE_PATH", before.c_str(), TRUE);
    EXPECT_EQ(ended.code, 2);
    EXPECT_THAT(ended.err, HasSubstr("ANIME_PIPELINE_PATH names their folder"));
    EXPECT_THAT(ended.err, HasSubstr("[description-missing]"));
}

TEST_F(AnimeRun, Introduces)
{
    EXPECT_THAT(run({"--help"}).out, HasSubstr("Turns photos and films into anime."));
    EXPECT_THAT(run({"--version"}).out, HasSubstr(ANIME_VERSION));
}

TEST_F(AnimeRun, IsExplainedByItsScriptBeforeAnythingIsInstalledOrBuilt)
{
    fs::copy_file(fs::path(ANIME_SOURCE) / "animate", folder_ / "animate");
    const std::vector<std::string> lines[] = {{"--help"}, {"photos", "-h"}, {"--style", "hayao", "--help"}};
    for (const std::vector<std::string> &arguments : lines) {
        const Ended ended = start(folder_ / "animate", arguments);
        EXPECT_EQ(ended.code, 0) << ended.err;
        EXPECT_THAT(ended.out, testing::StartsWith("Paints photos and films"));
        EXPECT_THAT(ended.out, HasSubstr("./animate --serve --help lists its options"));
        EXPECT_THAT(ended.out, testing::EndsWith("says more.\n"));
        EXPECT_FALSE(fs::exists(folder_ / "build"));
    }
}

} // namespace
