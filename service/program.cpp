// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/program.h"

#include "pipelines/installed.h"
#include "service/http/wall.h"
#include "service/ops/memory.h"

#include <glib-unix.h>
#include <gst/gst.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <optional>
#include <string>
#include <sys/time.h>
#include <unistd.h>
#include <vector>

namespace anime::service
{

namespace
{

constexpr guint tick_milliseconds = 200;

/// From the end of the drain to the exit, so that both take less than 20 s by default.
constexpr itimerval time_to_stop{{0, 0}, {1, 500'000}};

/// An element that doesn't stop, or a model that is still being loaded, holds up a thread that nothing else
/// could end.
void leave_behind_what_hangs(const char *name)
{
    static std::string text; // for the handler, which may not allocate
    text = std::string(name) + ": something did not stop in time and was left behind\n";
    std::signal(SIGALRM, [](int) {
        [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
        _exit(EXIT_FAILURE);
    });
    setitimer(ITIMER_REAL, &time_to_stop, nullptr);
}

struct Loop {
    const ProgramParts &parts;
    GMainLoop *loop = nullptr;
    std::future<void> started = {};
    bool announced = false;
    std::optional<std::chrono::steady_clock::time_point> drain_until = {};
    std::optional<std::chrono::steady_clock::time_point> idle_since = {};
    int exit_code = 0;

    void behind_wall_of_glib(void (Loop::*work)()) noexcept
    {
        behind_wall(
            "a turn of the main loop",
            [this](const std::string &text) { parts.log.service(Level::error, text); },
            [&] { (this->*work)(); });
    }

    void reload() { parts.reload(); }

    void stop()
    {
        if (drain_until) {
            g_main_loop_quit(loop); // the second signal: at once
            return;
        }
        parts.log.service(Level::info, "stopping: no new work, finishing what is in hand");
        drain_until = std::chrono::steady_clock::now() + parts.drain_timeout;
        parts.drain();
    }

    void announce()
    {
        announced = true;
        try {
            started.get();
        } catch (const std::exception &error) {
            parts.log.service(Level::error, error.what());
            std::fprintf(stderr, "%s: %s\n", name_of(parts.program), error.what());
            exit_code = 1;
            g_main_loop_quit(loop);
            return;
        }
        parts.log.service(Level::info, "ready");
    }

    void tick()
    {
        parts.tick();
        if (!announced && started.wait_for(std::chrono::seconds(0)) == std::future_status::ready)
            announce();
        if (!drain_until)
            return;
        const auto now = std::chrono::steady_clock::now();
        if (!parts.drained())
            idle_since.reset();
        else if (!idle_since)
            idle_since = now;
        if ((idle_since && now - *idle_since >= parts.linger) || now >= *drain_until)
            g_main_loop_quit(loop);
    }
};

/// The inference threads of oneDNN spin while they wait for each other, which is quick alone and twice as
/// slow when another worker decodes meanwhile. libgomp reads this as it is loaded, so the program starts once
/// more; where that is not possible it goes on as it is.
void make_threads_wait_passively(char **argv)
{
    if (std::getenv("OMP_WAIT_POLICY"))
        return;
    setenv("OMP_WAIT_POLICY", "passive", 1);
    execv("/proc/self/exe", argv);
}

} // namespace

int run_program(const ProgramParts &parts)
{
    const GlibToLog glib(parts.log);
    Loop program{parts};
    program.loop = g_main_loop_new(nullptr, FALSE);
    const auto on_signal = [](gpointer self) -> gboolean {
        static_cast<Loop *>(self)->behind_wall_of_glib(&Loop::stop);
        return G_SOURCE_CONTINUE;
    };
    const auto on_reload = [](gpointer self) -> gboolean {
        static_cast<Loop *>(self)->behind_wall_of_glib(&Loop::reload);
        return G_SOURCE_CONTINUE;
    };
    const auto on_tick = [](gpointer self) -> gboolean {
        static_cast<Loop *>(self)->behind_wall_of_glib(&Loop::tick);
        return G_SOURCE_CONTINUE;
    };
    std::vector<guint> sources = {g_unix_signal_add(SIGTERM, on_signal, &program),
                                  g_unix_signal_add(SIGINT, on_signal, &program),
                                  g_timeout_add(tick_milliseconds, on_tick, &program)};
    if (parts.reload)
        sources.push_back(g_unix_signal_add(SIGHUP, on_reload, &program));
    parts.announce();
    program.started = std::async(std::launch::async, parts.start);
    g_main_loop_run(program.loop);
    leave_behind_what_hangs(name_of(parts.program));
    for (const guint source : sources)
        g_source_remove(source);
    g_main_loop_unref(program.loop);
    if (program.started.valid())
        program.started.wait();
    parts.log.service(Level::info, "stopped");
    return program.exit_code;
}

int program_main(int argc, char **argv, Program program, const Body &body)
{
    const ParsedOptions parsed = parse_options({argv, argv + argc}, std::getenv, program);
    if (!parsed.options) {
        std::fputs(parsed.message.c_str(), parsed.exit_code == 0 ? stdout : stderr);
        return parsed.exit_code;
    }
    make_threads_wait_passively(argv);
    configure_malloc();
    if (!parsed.options->pipelines.empty())
        setenv("ANIME_PIPELINE_PATH", parsed.options->pipelines.c_str(), 1);
    std::signal(SIGPIPE, SIG_IGN);
    gst_init(nullptr, nullptr);
    find_installed_plugin();
    try {
        LineWriter lines(STDOUT_FILENO);
        return body(*parsed.options, lines);
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s: %s\n", name_of(program), error.what());
        return 1;
    }
}

} // namespace anime::service
