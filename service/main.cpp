// SPDX-License-Identifier: LGPL-2.1-or-later
// anime-server: photos in over HTTP, anime out.
#include "pipelines/installed.h"
#include "service/ops/memory.h"
#include "service/program.h"
#include "service/service.h"

#include <gst/gst.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <unistd.h>

namespace anime::service
{

namespace
{

/// Between the last answer and the exit: time to fetch a result that was just announced.
constexpr std::chrono::milliseconds linger{500};

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
        const int exit_code = run_program(
            {"anime-server", service.log(), [&] { tell_address(service, options); }, [&] { service.start(); },
             [&] { service.tick(); }, [&] { service.drain(); }, [&] { return service.drained(); },
             [&] { service.reload(); }, std::chrono::seconds(options.limits.drain_timeout), linger});
        service.log().service(Level::info, "stopped");
        return exit_code;
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
