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

    static std::string refusal(const std::vector<std::string> &inputs, const std::string &output)
    {
        try {
            plan_tasks(inputs, output);
        } catch (const PipelineError &error) {
            return error.failure().code;
        }
        return "none";
    }

    fs::path before_;
    fs::path folder_ = fs::path(testing::TempDir()) / ("batch-" + std::to_string(getpid()));
};

using Tasks = std::vector<Task>;

} // namespace

TEST_F(Batch, AFileBecomesAFile)
{
    EXPECT_EQ(plan_tasks({"x.jpg"}, "y.png"), (Tasks{{"x.jpg", "y.png"}}));
    EXPECT_EQ(plan_tasks({"x.jpg"}, "new/y.JPG"), (Tasks{{"x.jpg", "new/y.JPG"}}));
}

TEST_F(Batch, AFileGoesIntoAFolder)
{
    EXPECT_EQ(plan_tasks({"x.jpg"}, "photos"), (Tasks{{"x.jpg", "photos/x.png"}}));
    EXPECT_EQ(plan_tasks({"x.jpg"}, "new/"), (Tasks{{"x.jpg", "new/x.png"}}));
}

TEST_F(Batch, AFolderGivesItsImages)
{
    const Tasks expected = {
        {"photos/a.jpg", "out/a.png"}, {"photos/b.PNG", "out/b.png"}, {"photos/c.webp", "out/c.png"}};
    EXPECT_EQ(plan_tasks({"photos"}, "out"), expected);
}

TEST_F(Batch, SeveralInputsGoIntoAFolder)
{
    const Tasks expected = {{"x.jpg", "out/x.png"}, {"photos/a.jpg", "out/a.png"}};
    EXPECT_EQ(plan_tasks({"x.jpg", "photos/a.jpg"}, "out"), expected);
}

TEST_F(Batch, EqualNamesKeepTheirExtension)
{
    std::ofstream("photos/a.webp") << "";
    const Tasks tasks = plan_tasks({"photos"}, "out");
    EXPECT_THAT(tasks, testing::Contains(Task{"photos/a.jpg", "out/a.png"}));
    EXPECT_THAT(tasks, testing::Contains(Task{"photos/a.webp", "out/a.webp.png"}));
}

TEST_F(Batch, WithoutOutputTheNameSaysAnime)
{
    EXPECT_EQ(plan_tasks({"photos/a.jpg"}, ""), (Tasks{{"photos/a.jpg", "a-anime.png"}}));
    EXPECT_EQ(plan_tasks({"photos/"}, "").front(), (Task{"photos/a.jpg", "photos-anime/a.png"}));
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
