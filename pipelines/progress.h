// SPDX-License-Identifier: LGPL-2.1-or-later
// What anime-run shows while it works: a line for each file, or on a terminal one line that is drawn over.
#pragma once

#include "pipelines/batch.h"
#include "pipelines/film/film.h"

#include <chrono>
#include <cstdint>

namespace anime
{

class Progress
{
public:
    explicit Progress(std::size_t total);
    ~Progress();
    Progress(const Progress &) = delete;
    Progress &operator=(const Progress &) = delete;

    void start(const Task &task);
    /// Of the film that was started last; draws at most ten times a second.
    void advance(const Task &task, const FilmProgress &progress);
    /// `frames`: of a film; 0 for a photo. `frames_before`: of these, those that an earlier run painted.
    void finish(const Task &task, bool ok, std::uint64_t frames = 0, std::uint64_t frames_before = 0);
    void clear();

private:
    using Clock = std::chrono::steady_clock;
    void draw(double part, const std::string &text);

    std::size_t total_;
    std::size_t done_ = 0;
    bool terminal_;
    bool shown_ = false;
    Clock::time_point started_;
    Clock::time_point drawn_;
};

/// "1:02:03", "4:05".
std::string as_time(std::chrono::seconds seconds);

} // namespace anime
