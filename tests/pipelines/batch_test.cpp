// SPDX-License-Identifier: LGPL-2.1-or-later
// Which output belongs to which input.
#include "pipelines/batch.h"

#include "pipelines/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace fs = std::filesystem;

namespace anime
{

namespace
{

/// Works in a folder of its own with photos/{a.jpg,b.PNG,c.webp,notes.txt,.hidden.jpg} and x.jpg.
class Batch : public testing::Test
{
protected:
    Batch() : before_(fs::current_path())
    {
        fs::create_directories(folder_ / "photos" / "deeper.jpg");
        fs::current_path(folder_);
        for (const char *name : {"photos/a.jpg", "photos/b.PNG", "photos/c.webp", "photos/notes.txt",
                                 "photos/.hidden.jpg", "x.jpg"})
            std::ofstream(name) << "";
    }

    ~Batch() override
    {
        fs::current_path(before_);
        fs::remove_all(folder_);
    }

    fs::path before_;
    fs::path folder_ = fs::path(testing::TempDir()) / ("batch-" + std::to_string(getpid()));
};

using Tasks = std::vector<Task>;

/// Stand for what anime-run finds: by their header lines, and no more than those.
const std::vector<Description> descriptions = {
    {.name = "film", .in = {".mkv", ".mp4"}, .out = {".mp4"}},
    {.name = "film-mkv", .in = {".mkv", ".mp4"}, .out = {".mkv"}},
    {.name = "photo", .in = {".jpg", ".png", ".webp"}, .out = {".png"}, .reads_the_rest = true},
    {.name = "photo-jpeg",
     .in = {".jpg", ".png", ".webp"},
     .out = {".jpg", ".jpeg"},
     .reads_the_rest = true,
     .in_folders = false},
};

Tasks plan(const std::vector<std::string> &inputs, const std::string &output)
{
    return plan_tasks(inputs, output, descriptions);
}

std::string refusal(const std::vector<std::string> &inputs, const std::string &output)
{
    try {
        plan_tasks(inputs, output, descriptions);
    } catch (const PipelineError &error) {
        return error.failure().code;
    }
    return "none";
}

} // namespace

TEST_F(Batch, AFileBecomesAFile)
{
    EXPECT_EQ(plan({"x.jpg"}, "y.png"), (Tasks{{"x.jpg", "y.png", "photo"}}));
    EXPECT_EQ(plan({"x.jpg"}, "new/y.JPG"), (Tasks{{"x.jpg", "new/y.JPG", "photo-jpeg"}}));
}

TEST_F(Batch, AFileGoesIntoAFolder)
{
    EXPECT_EQ(plan({"x.jpg"}, "photos"), (Tasks{{"x.jpg", "photos/x.png", "photo"}}));
    EXPECT_EQ(plan({"x.jpg"}, "new/"), (Tasks{{"x.jpg", "new/x.png", "photo"}}));
}

TEST_F(Batch, AFolderGivesItsImages)
{
    const Tasks expected = {{"photos/a.jpg", "out/a.png", "photo"},
                            {"photos/b.PNG", "out/b.png", "photo"},
                            {"photos/c.webp", "out/c.png", "photo"}};
    EXPECT_EQ(plan({"photos"}, "out"), expected);
}

TEST_F(Batch, SeveralInputsGoIntoAFolder)
{
    const Tasks expected = {{"x.jpg", "out/x.png", "photo"}, {"photos/a.jpg", "out/a.png", "photo"}};
    EXPECT_EQ(plan({"x.jpg", "photos/a.jpg"}, "out"), expected);
}

TEST_F(Batch, EqualNamesKeepTheirExtension)
{
    std::ofstream("photos/a.webp") << "";
    const Tasks tasks = plan({"photos"}, "out");
    EXPECT_THAT(tasks, testing::Contains(Task{"photos/a.jpg", "out/a.png", "photo"}));
    EXPECT_THAT(tasks, testing::Contains(Task{"photos/a.webp", "out/a.webp.png", "photo"}));
}

TEST_F(Batch, WithoutOutputTheNameSaysAnime)
{
    EXPECT_EQ(plan({"photos/a.jpg"}, ""), (Tasks{{"photos/a.jpg", "a-anime.png", "photo"}}));
    EXPECT_EQ(plan({"photos/"}, "").front(), (Task{"photos/a.jpg", "photos-anime/a.png", "photo"}));
}

TEST_F(Batch, TakesTheDescriptionThatReadsTheOneTypeAndWritesTheOther)
{
    std::ofstream("clip.mp4") << "";
    EXPECT_EQ(plan({"clip.mp4"}, "out.mp4"), (Tasks{{"clip.mp4", "out.mp4", "film"}}));
    EXPECT_EQ(plan({"clip.mp4"}, "out.MKV"), (Tasks{{"clip.mp4", "out.MKV", "film-mkv"}}));
    EXPECT_EQ(refusal({"clip.mp4"}, "out.png"), "output-unsupported");
    EXPECT_EQ(refusal({"x.jpg"}, "out.mp4"), "output-unsupported");
}

TEST_F(Batch, KeepsTheTypeOfAnInputThatADescriptionCanWrite)
{
    std::ofstream("clip.mkv") << "";
    std::ofstream("clip.mp4") << "";
    const Tasks expected = {{"clip.mkv", "out/clip.mkv", "film-mkv"},
                            {"clip.mp4", "out/clip.mp4", "film"},
                            {"x.jpg", "out/x.png", "photo"}};
    EXPECT_EQ(plan({"clip.mkv", "clip.mp4", "x.jpg"}, "out"), expected);
    EXPECT_EQ(plan({"clip.mkv"}, ""), (Tasks{{"clip.mkv", "clip-anime.mkv", "film-mkv"}}));
}

TEST_F(Batch, LeavesAnUnknownTypeToTheDescriptionThatTakesTheRestButOnlyIfItIsNamed)
{
    std::ofstream("photos/d.heic") << "";
    EXPECT_EQ(plan({"photos/d.heic"}, "y.png"), (Tasks{{"photos/d.heic", "y.png", "photo"}}));
    EXPECT_EQ(plan({"photos"}, "out").size(), 3U);
}

TEST_F(Batch, LetsADescriptionThatSaysNothingTakeEverything)
{
    const std::vector<Description> silent = {{.name = "mine"}};
    EXPECT_EQ(plan_tasks({"x.jpg"}, "y.gif", silent), (Tasks{{"x.jpg", "y.gif", "mine"}}));
    EXPECT_EQ(plan_tasks({"x.jpg"}, "", silent), (Tasks{{"x.jpg", "x-anime.jpg", "mine"}}));
    const Tasks all = {{"photos/a.jpg", "out/a.jpg", "mine"},
                       {"photos/b.PNG", "out/b.png", "mine"},
                       {"photos/c.webp", "out/c.webp", "mine"},
                       {"photos/notes.txt", "out/notes.txt", "mine"}};
    EXPECT_EQ(plan_tasks({"photos"}, "out", silent), all);
}

TEST_F(Batch, PlansThousandsOfFilesWithoutComparingEachWithEveryOther)
{
    // By pairs it would be 16 million questions to the file system, 30 s; the limit is that of the test
    // program.
    fs::create_directory("many");
    std::vector<std::string> inputs;
    for (int i = 0; i < 4000; ++i) {
        inputs.push_back("many/" + std::to_string(i) + ".jpg");
        std::ofstream(inputs.back()) << "";
    }
    fs::create_hard_link("many/3999.jpg", "many/same.png");
    EXPECT_EQ(plan(inputs, "out").size(), 4000U);
    EXPECT_EQ(refusal({"many/3999.jpg"}, "many/same.png"), "output-is-input");
}

TEST_F(Batch, RefusesWhatCanNotBe)
{
    fs::create_directory("empty");
    std::ofstream("file") << "";
    EXPECT_EQ(refusal({"absent.jpg"}, "y.png"), "input-missing");
    EXPECT_EQ(refusal({"empty"}, "out"), "input-missing");
    EXPECT_EQ(refusal({"x.jpg"}, "y.gif"), "output-unsupported");
    EXPECT_EQ(refusal({"x.jpg"}, "y"), "output-unsupported");
    EXPECT_EQ(refusal({"photos"}, "y.png"), "output-unsupported");
    EXPECT_EQ(refusal({"photos"}, "file"), "output-unsupported");
    EXPECT_EQ(refusal({"x.jpg", "photos/a.jpg"}, "y.jpg"), "output-unsupported");
}

TEST_F(Batch, NeverOverwritesAnInput)
{
    std::ofstream("photos/d.png") << "";
    fs::create_symlink("x.jpg", "link.jpg");
    EXPECT_EQ(refusal({"x.jpg"}, "x.jpg"), "output-is-input");
    EXPECT_EQ(refusal({"x.jpg"}, "./x.jpg"), "output-is-input");
    EXPECT_EQ(refusal({"x.jpg"}, "link.jpg"), "output-is-input");
    EXPECT_EQ(refusal({"photos"}, "photos"), "output-is-input");
    EXPECT_EQ(refusal({"photos/d.png"}, "photos"), "output-is-input");
}

} // namespace anime
