// SPDX-License-Identifier: LGPL-2.1-or-later
// What anime-run shows while it works: a line for each file, or on a terminal one line that is drawn over.
#pragma once

#include "pipelines/batch.h"

#include <chrono>

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
    void finish(const Task &task, bool ok);
    void clear();

private:
    using Clock = std::chrono::steady_clock;
    void draw(double part, const std::string &text);

    std::size_t total_;
    std::size_t done_ = 0;
    bool terminal_;
    bool shown_ = false;
    Clock::time_point started_;
};

} // namespace anime
