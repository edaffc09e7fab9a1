// SPDX-License-Identifier: LGPL-2.1-or-later
// What anime-server and anime-worker do alike as processes: begin, start in the background, tick, end in two
// steps.
#pragma once

#include "service/ops/log.h"
#include "service/ops/options.h"

#include <chrono>
#include <functional>

namespace anime::service
{

struct ProgramParts {
    Program program;
    Log &log;
    std::function<void()> announce; ///< that it is there, once it heeds signals
    std::function<void()> start;    ///< in a thread of its own; may throw
    std::function<void()> tick;     ///< a few times a second
    std::function<void()> drain;    ///< at the first SIGTERM or SIGINT: takes nothing more
    std::function<bool()> drained;  ///< nothing is in hand
    std::function<void()> reload;   ///< at SIGHUP; null: it ends the program
    std::chrono::seconds drain_timeout;
    std::chrono::milliseconds linger; ///< between the last answer and the exit
};

/// Until it has drained, its drain is overdue, it is told a second time, or could not start. Meanwhile `log`
/// has what GLib and GStreamer say. The exit code. From its return on the process has 1.5 s to end.
int run_program(const ProgramParts &parts);

/// Puts the program's parts together and runs them. What it throws ends the program with its words.
using Body = std::function<int(const Options &options, LineWriter &lines)>;

/// All of main(): reads the options, prepares the process and GStreamer, and runs `body`. The exit code.
int program_main(int argc, char **argv, Program program, const Body &body);

} // namespace anime::service
