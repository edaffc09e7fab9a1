// SPDX-License-Identifier: LGPL-2.1-or-later
// Where descriptions are found, and what is in the files that the project ships.
#include "pipelines/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace fs = std::filesystem;

namespace anime
{

namespace
{

class Descriptions : public testing::Test
{
protected:
    Descriptions()
    {
        fs::create_directories(folder_ / "first");
        fs::create_directories(folder_ / "second");
        const char *before = std::getenv("ANIME_PIPELINE_PATH");
        before_ = before ? before : "";
        setenv("ANIME_PIPELINE_PATH",
               ((folder_ / "first").string() + ":" + (folder_ / "second").string()).c_str(), 1);
    }

    ~Descriptions() override
    {
        setenv("ANIME_PIPELINE_PATH", before_.c_str(), 1);
        fs::remove_all(folder_);
    }

    fs::path write(const fs::path &name, const std::string &text)
    {
        std::ofstream(folder_ / name) << text;
        return folder_ / name;
    }

    fs::path folder_ = fs::path(testing::TempDir()) / ("descriptions-" + std::to_string(getpid()));
    std::string before_;
};

} // namespace

TEST_F(Descriptions, AreFoundByNameInTheFirstFolderThatHasOne)
{
    write("first/a.launch", "one");
    write("second/a.launch", "two");
    write("second/b.launch", "three");
    EXPECT_EQ(load_description("a").text, "one\n");
    EXPECT_EQ(load_description("b").text, "three\n");
    EXPECT_EQ(load_description("b").name, "b");
}

TEST_F(Descriptions, AreFoundByPath)
{
    const fs::path path = write("mine.launch", "one");
    EXPECT_EQ(load_description(path.string()).text, "one\n");
}

TEST_F(Descriptions, HaveCommentLines)
{
    write("first/a.launch", "# what it is\nfakesrc !\n# a remark\nfakesink\n");
    EXPECT_EQ(load_description("a").text, "fakesrc !\nfakesink\n");
}

TEST_F(Descriptions, SayInTheirHeaderLinesWhichFilesTheyReadAndWrite)
{
    write("first/a.launch", "# SPDX\n# in: jpg png *\n# out: png\n# in folders: no\nfakesrc ! fakesink\n");
    write("first/b.launch", "# in words: it has no such lines\nfakesrc ! fakesink\n");
    const Description a = load_description("a");
    EXPECT_EQ(a.in, (std::vector<std::string>{".jpg", ".png"}));
    EXPECT_EQ(a.out, (std::vector<std::string>{".png"}));
    EXPECT_TRUE(a.reads_the_rest);
    EXPECT_FALSE(a.in_folders);
    const Description b = load_description("b");
    EXPECT_TRUE(b.in.empty() && b.out.empty() && !b.reads_the_rest && b.in_folders);
}

TEST_F(Descriptions, AreListed)
{
    write("first/b.launch", "");
    write("second/a.launch", "");
    write("second/b.launch", "");
    write("second/notes.txt", "");
    EXPECT_EQ(description_names(), (std::vector<std::string>{"a", "b"}));
}

TEST_F(Descriptions, ThatAreMissingAreRefusedWithTheNamesThereAre)
{
    write("first/photo.launch", "");
    for (const char *name : {"foto", "../first/photo", "/no/such.launch"}) {
        try {
            load_description(name);
            ADD_FAILURE() << name;
        } catch (const PipelineError &error) {
            EXPECT_EQ(error.failure().code, "description-missing");
            EXPECT_THAT(error.failure().message, testing::HasSubstr(name));
        }
    }
    try {
        load_description("foto");
    } catch (const PipelineError &error) {
        EXPECT_EQ(error.failure().remedy, "There are: photo.");
    }
}

} // namespace anime
