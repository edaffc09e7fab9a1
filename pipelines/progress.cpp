// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/progress.h"

#include <algorithm>
#include <cstdio>
#include <unistd.h>

namespace anime
{

namespace
{

template <typename... Values>
std::string format(const char *pattern, Values... values)
{
    char text[128];
    std::snprintf(text, sizeof text, pattern, values...);
    return text;
}

} // namespace

Progress::Progress(std::size_t total) : total_(total), terminal_(isatty(STDERR_FILENO)) {}

Progress::~Progress()
{
    clear();
}

void Progress::draw(double part, const std::string &text)
{
    constexpr std::size_t width = 30;
    const auto filled = static_cast<std::size_t>(width * std::clamp(part, 0.0, 1.0));
    std::fprintf(stderr, "\r\033[K[%s%s] %s", std::string(filled, '#').c_str(),
                 std::string(width - filled, '.').c_str(), text.c_str());
    std::fflush(stderr);
    shown_ = true;
}

void Progress::start(const Task &task)
{
    started_ = Clock::now();
    if (terminal_ && total_ > 1)
        draw(static_cast<double>(done_) / static_cast<double>(total_),
             format("%zu/%zu  ", done_, total_) + task.input.filename().string());
}

void Progress::finish(const Task &task, bool ok)
{
    ++done_;
    clear();
    if (terminal_ && total_ > 1)
        return;
    const double seconds = std::chrono::duration<double>(Clock::now() - started_).count();
    const std::string count = total_ > 1 ? format("%zu/%zu ", done_, total_) : "";
    if (ok)
        std::printf("%s%s -> %s (%.2f s)\n", count.c_str(), task.input.c_str(), task.output.c_str(), seconds);
    else
        std::printf("%s%s: failed\n", count.c_str(), task.input.c_str());
    std::fflush(stdout);
}

void Progress::clear()
{
    if (shown_)
        std::fputs("\r\033[K", stderr);
    shown_ = false;
}

} // namespace anime
