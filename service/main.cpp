// SPDX-License-Identifier: LGPL-2.1-or-later
// anime-server: photos in over HTTP, anime out.
#include "pipelines/installed.h"
#include "service/memory.h"
#include "service/service.h"

#include <glib-unix.h>
#include <gst/gst.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <optional>
#include <stdexcept>
#include <sys/time.h>
#include <unistd.h>

namespace anime::service
{

namespace
{

constexpr guint tick_milliseconds = 200;
/// Between the last answer and the exit: time to fetch a result that was just announced.
constexpr std::chrono::milliseconds linger{500};

/// From the end of the drain to the exit, so that both take less than 20 s by default.
constexpr itimerval time_to_stop{{0, 0}, {1, 500'000}};

/// An element that doesn't stop, or a model that is still being loaded, holds up a thread that nothing else
/// could end.
void leave_behind_what_hangs()
{
    std::signal(SIGALRM, [](int) {
        static constexpr char text[] = "anime-server: something did not stop in time and was left behind\n";
        [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
        _exit(EXIT_FAILURE);
    });
    setitimer(ITIMER_REAL, &time_to_stop, nullptr);
}

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

struct Program {
    Service &service;
    std::chrono::seconds drain_timeout;
    GMainLoop *loop = nullptr;
    std::future<void> started = {};
    bool announced = false;
    std::optional<std::chrono::steady_clock::time_point> drain_until = {};
    std::optional<std::chrono::steady_clock::time_point> idle_since = {};
    int exit_code = 0;

    void behind_wall_of_glib(void (Program::*work)()) noexcept
    {
        behind_wall(
            "a turn of the main loop",
            [this](const std::string &text) { service.log().service(Level::error, text); },
            [&] { (this->*work)(); });
    }

    void stop()
    {
        if (drain_until) {
            g_main_loop_quit(loop); // the second signal: at once
            return;
        }
        service.log().service(Level::info, "stopping: no new work, finishing what is in hand");
        drain_until = std::chrono::steady_clock::now() + drain_timeout;
        service.drain();
    }

    void reload() { service.reload(); }

    void announce()
    {
        announced = true;
        try {
            started.get();
        } catch (const std::exception &error) {
            service.log().service(Level::error, error.what());
            std::fprintf(stderr, "anime-server: %s\n", error.what());
            exit_code = 1;
            g_main_loop_quit(loop);
            return;
        }
        service.log().service(Level::info, "ready");
    }

    void tick()
    {
        service.tick();
        if (!announced && started.wait_for(std::chrono::seconds(0)) == std::future_status::ready)
            announce();
        if (!drain_until)
            return;
        const auto now = std::chrono::steady_clock::now();
        if (!service.drained())
            idle_since.reset();
        else if (!idle_since)
            idle_since = now;
        if ((idle_since && now - *idle_since >= linger) || now >= *drain_until)
            g_main_loop_quit(loop);
    }
};

void tell_address(Service &service, const Options &options)
{
    const std::string host =
        options.address.find(':') == std::string::npos ? options.address : "[" + options.address + "]";
    const std::string url = "http://" + host + ":" + std::to_string(service.port()) + "/";
    // For people on stderr; stdout has JSON lines only.
    std::fprintf(stderr, "anime-server: %s (Ctrl-C stops it; metrics on port %u)\n", url.c_str(),
                 service.metrics_port());
    service.log().write(Level::info, Layer::service, {}, "listening",
                        {{"url", url},
                         {"port", service.port()},
                         {"metrics_port", service.metrics_port()},
                         {"version", ANIME_VERSION},
                         {"pid", getpid()}});
}

int run(const Options &options)
{
    LineWriter lines(STDOUT_FILENO);
    try {
        Service service(options, lines);
        const GlibToLog glib(service.log());
        Program program{service, std::chrono::seconds(options.limits.drain_timeout)};
        program.loop = g_main_loop_new(nullptr, FALSE);
        const auto on_signal = [](gpointer self) -> gboolean {
            static_cast<Program *>(self)->behind_wall_of_glib(&Program::stop);
            return G_SOURCE_CONTINUE;
        };
        g_unix_signal_add(SIGTERM, on_signal, &program);
        g_unix_signal_add(SIGINT, on_signal, &program);
        g_unix_signal_add(
            SIGHUP,
            [](gpointer self) -> gboolean {
                static_cast<Program *>(self)->behind_wall_of_glib(&Program::reload);
                return G_SOURCE_CONTINUE;
            },
            &program);
        const auto on_tick = [](gpointer self) -> gboolean {
            static_cast<Program *>(self)->behind_wall_of_glib(&Program::tick);
            return G_SOURCE_CONTINUE;
        };
        g_timeout_add(tick_milliseconds, on_tick, &program);
        tell_address(service, options);
        program.started = std::async(std::launch::async, [&service] { service.start(); });
        g_main_loop_run(program.loop);
        leave_behind_what_hangs();
        g_main_loop_unref(program.loop);
        if (program.started.valid())
            program.started.wait();
        service.log().service(Level::info, "stopped");
        return program.exit_code;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "anime-server: %s\n", error.what());
        return 1;
    }
}

} // namespace

} // namespace anime::service

int main(int argc, char **argv)
{
    using namespace anime::service;
    const ParsedOptions parsed = parse_options({argv, argv + argc}, std::getenv);
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
    anime::find_installed_plugin();
    const int exit_code = run(*parsed.options);
    return exit_code;
}
