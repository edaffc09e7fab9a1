// SPDX-License-Identifier: LGPL-2.1-or-later
// Films for tests of anime-run: made with GStreamer, painted by the program as a user runs it, read back by
// FFmpeg.
#pragma once

#include "tests/pipelines/program.h"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <string>
#include <vector>

namespace fs = std::filesystem;

/// What ffprobe reads of a film.
struct Seen {
    std::vector<double> frames; ///< presentation times, sorted
    std::vector<int> packets;   ///< of each sound track
    int subtitles = 0;          ///< tracks
    std::string picture;        ///< "width,height,sample_aspect_ratio,color_space"
    double lasts = 0;           ///< from the first picture or sound to the end of the last one, in seconds
};

Words ffprobe(const fs::path &file, Words arguments);

Seen look(const fs::path &file);

/// The mean of red, green and blue over the first frames, in levels of 255, with the rotation applied.
std::array<double, 3> mean_colour(const fs::path &film, const std::string &matrix);

class Film : public testing::Test
{
protected:
    void SetUp() override;
    ~Film() override { fs::remove_all(folder_); }

    static Ended paint(const fs::path &in, const fs::path &out);

    /// What is painted so far.
    static fs::path journal_of(const fs::path &out)
    {
        return out.parent_path() / ("." + out.filename().string() + ".unfinished");
    }

    /// Makes a film with GStreamer.
    fs::path make(const std::string &name, const std::string &line);

    /// Same frames at the same times (the first one at 0), sound packets, and duration within a frame.
    void expect_same(const Seen &in, const Seen &out, bool sound_copied = true);

    fs::path folder_ = fs::path(testing::TempDir()) / ("films-" + std::to_string(getpid()));
};

constexpr const char *ball = "videotestsrc pattern=ball ";
