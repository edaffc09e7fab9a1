// SPDX-License-Identifier: LGPL-2.1-or-later
// What of a film's painted pictures is there after a crash, wherever it struck.
#include "pipelines/film/journal.h"

#include "pipelines/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace fs = std::filesystem;

namespace anime
{

namespace
{

const JournalTerms terms = {{"film", "a"}, {"style", "hayao"}};
constexpr std::int64_t ms = 1'000'000;

class FilmJournal : public testing::Test
{
protected:
    ~FilmJournal() override { fs::remove(file_); }

    static CodedPicture picture(int index, int group)
    {
        CodedPicture made;
        made.shown_at = index * 40 * ms;
        made.decoded_at = (index - 2) * 40 * ms;
        made.duration = 40 * ms;
        made.begins = index % group == 0;
        const std::string data = "picture " + std::to_string(index);
        made.data.reset(gst_buffer_new_memdup(data.data(), data.size()));
        return made;
    }

    /// Ten pictures in groups of four, as a program that is killed then leaves them.
    void leave(bool complete = false) const
    {
        Journal journal(file_, terms, true);
        const CapsPtr caps(gst_caps_from_string("video/x-h264,width=16,codec_data=(buffer)0164"));
        journal.write_caps(caps.get());
        for (int i = 0; i < 10; ++i)
            ASSERT_FALSE(journal.write(picture(i, 4)));
        if (complete)
            journal.write_end();
    }

    std::string refusal(const JournalTerms &now) const
    {
        try {
            Journal journal(file_, now, true);
        } catch (const PipelineError &error) {
            return error.failure().code + ": " + error.failure().message;
        }
        return "none";
    }

    void damage(std::uint64_t at) const
    {
        std::fstream file(file_, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(static_cast<std::streamoff>(at));
        file.put('!');
    }

    fs::path file_ = fs::path(testing::TempDir()) / ("journal-" + std::to_string(getpid()));
};

} // namespace

TEST_F(FilmJournal, GivesBackWhatWasWritten)
{
    leave(true);
    Journal journal(file_, terms, true);
    EXPECT_TRUE(journal.is_complete());
    EXPECT_EQ(journal.pictures(), 10U);
    EXPECT_EQ(journal.latest(), 360 * ms);
    journal.rewind();
    for (int i = 0; i < 10; ++i) {
        const CodedPicture read = journal.read();
        ASSERT_TRUE(read.data) << i;
        EXPECT_EQ(read.shown_at, i * 40 * ms);
        EXPECT_EQ(read.decoded_at, (i - 2) * 40 * ms) << "before 0 too";
        EXPECT_EQ(read.begins, i % 4 == 0);
        EXPECT_EQ(read.caps != nullptr, i == 0);
        const MappedBuffer mapped(read.data.get(), GST_MAP_READ);
        EXPECT_EQ(std::string(reinterpret_cast<const char *>(mapped.data()), mapped.size()),
                  "picture " + std::to_string(i));
    }
    EXPECT_FALSE(journal.read().data);
}

TEST_F(FilmJournal, GoesOnBehindTheLastWholeGroup)
{
    leave();
    {
        Journal journal(file_, terms, true);
        EXPECT_FALSE(journal.is_complete());
        EXPECT_EQ(journal.pictures(), 8U) << "of the third group some pictures might be missing";
        EXPECT_EQ(journal.latest(), 280 * ms);
        EXPECT_THAT(journal.caps(), testing::HasSubstr("video/x-h264"));
        for (int i = 8; i < 12; ++i)
            EXPECT_FALSE(journal.write(picture(i, 4)));
        journal.write_end();
    }
    Journal journal(file_, terms, true);
    EXPECT_EQ(journal.pictures(), 12U);
    journal.rewind();
    for (int i = 0; i < 12; ++i)
        EXPECT_EQ(journal.read().shown_at, i * 40 * ms);
}

TEST_F(FilmJournal, ReadsWhatComesBeforeTheCutOrDamage)
{
    leave();
    const std::string whole = [&] {
        std::ifstream in(file_, std::ios::binary);
        return std::string{std::istreambuf_iterator<char>(in), {}};
    }();
    // Wherever the file ends and whatever byte of it is wrong: a whole number of groups, or the beginning is
    // refused.
    for (std::size_t at = 0; at < whole.size(); ++at) {
        std::ofstream(file_, std::ios::binary) << whole.substr(0, at);
        {
            Journal journal(file_, terms, true);
            EXPECT_EQ(journal.pictures() % 4, 0U) << "cut at " << at;
            EXPECT_LE(journal.latest(), 280 * ms);
        }
        std::ofstream(file_, std::ios::binary) << whole;
        damage(at);
        try {
            Journal journal(file_, terms, true);
            EXPECT_EQ(journal.pictures() % 4, 0U) << "wrong at " << at;
            EXPECT_EQ(journal.caps().empty(), journal.pictures() == 0) << "wrong at " << at;
        } catch (const PipelineError &error) {
            EXPECT_EQ(error.failure().code, "film-resume-refused");
            EXPECT_LT(at, 100U);
        }
    }
}

TEST_F(FilmJournal, IsNotGoneOnWithOnOtherTerms)
{
    leave();
    EXPECT_THAT(refusal({{"film", "a"}, {"style", "aozora"}}),
                testing::AllOf(testing::StartsWith("film-resume-refused: "),
                               testing::HasSubstr("its style was hayao, and now it is aozora")));
    EXPECT_THAT(refusal({{"film", "b"}, {"style", "hayao"}}), testing::HasSubstr("its film was a"));
    EXPECT_THAT(refusal({{"film", "a"}, {"pen", "thin"}}),
                testing::HasSubstr("another version of this program"));
    EXPECT_EQ(refusal(terms), "none") << "being refused costs nothing";
    Journal anew(file_, {{"film", "b"}}, false);
    EXPECT_EQ(anew.pictures(), 0U);
}

TEST_F(FilmJournal, BelongsToOneProgram)
{
    Journal journal(file_, terms, true);
    EXPECT_THAT(refusal(terms), testing::StartsWith("film-busy: "));
}

TEST_F(FilmJournal, StaysOnlyWhereItIsToBeGoneOnWith)
{
    {
        Journal journal(file_, terms, false);
        EXPECT_FALSE(journal.write(picture(0, 4)));
    }
    EXPECT_FALSE(fs::exists(file_)) << "not asked for";
    {
        Journal journal(file_, terms, true);
    }
    EXPECT_FALSE(fs::exists(file_)) << "empty";
    leave();
    EXPECT_TRUE(fs::exists(file_));
    {
        Journal journal(file_, terms, true);
        journal.drop();
    }
    EXPECT_FALSE(fs::exists(file_)) << "done with";
    EXPECT_EQ(journal_of("to/painted.mp4"), fs::path("to/.painted.mp4.unfinished"));
}

TEST_F(FilmJournal, SaysThatItCannotBeWritten)
{
    try {
        Journal journal("/proc/no-such-folder/film.unfinished", terms, true);
        ADD_FAILURE();
    } catch (const PipelineError &error) {
        EXPECT_EQ(error.failure().code, "output-unwritable");
    }
}

} // namespace anime
