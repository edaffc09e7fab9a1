// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/progress.h"

#include <algorithm>
#include <cstdio>
#include <unistd.h>

namespace anime
{

namespace
{

using namespace std::chrono_literals;

template <typename... Values>
std::string format(const char *pattern, Values... values)
{
    char text[128];
    std::snprintf(text, sizeof text, pattern, values...);
    return text;
}

} // namespace

std::string as_time(std::chrono::seconds seconds)
{
    const auto all = static_cast<long>(seconds.count());
    if (all >= 3600)
        return format("%ld:%02ld:%02ld", all / 3600, all / 60 % 60, all % 60);
    return format("%ld:%02ld", all / 60, all % 60);
}

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
    drawn_ = {};
    if (terminal_ && total_ > 1)
        draw(static_cast<double>(done_) / static_cast<double>(total_),
             format("%zu/%zu  ", done_, total_) + task.input.filename().string());
}

void Progress::advance(const Task &task, const FilmProgress &progress)
{
    const auto now = Clock::now();
    if (!terminal_ || now - drawn_ < 100ms)
        return;
    drawn_ = now;
    const double seconds = std::chrono::duration<double>(now - started_).count();
    std::string text = total_ > 1 ? format("%zu/%zu  ", done_, total_) : "";
    text += task.input.filename().string() +
            format("  %llu frames, %.1f fps",
                   static_cast<unsigned long long>(progress.frames_before + progress.frames),
                   static_cast<double>(progress.frames) / seconds);
    if (progress.part && *progress.part > progress.part_before) {
        const double left = seconds * (1 - *progress.part) / (*progress.part - progress.part_before);
        text += ", " + as_time(std::chrono::seconds(static_cast<long>(left + 0.5))) + " left";
    }
    draw((static_cast<double>(done_) + progress.part.value_or(0)) / static_cast<double>(total_), text);
}

void Progress::finish(const Task &task, bool ok, std::uint64_t frames, std::uint64_t frames_before)
{
    ++done_;
    clear();
    if (terminal_ && total_ > 1)
        return;
    const double seconds = std::chrono::duration<double>(Clock::now() - started_).count();
    const std::string count = total_ > 1 ? format("%zu/%zu ", done_, total_) : "";
    const std::string counted =
        frames == 0 ? ""
                    : format("%llu frames, %.1f fps, ", static_cast<unsigned long long>(frames),
                             static_cast<double>(frames - frames_before) / seconds);
    if (ok)
        std::printf("%s%s -> %s (%s%.2f s)\n", count.c_str(), task.input.c_str(), task.output.c_str(),
                    counted.c_str(), seconds);
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
