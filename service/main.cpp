// SPDX-License-Identifier: LGPL-2.1-or-later
// anime-server: photos in over HTTP, anime out.
#include "service/program.h"
#include "service/service.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdio>
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

int serve(const Options &options, LineWriter &lines)
{
    Service service(options, lines);
    return run_program({Program::server, service.log(), [&] { tell_address(service, options); },
                        [&] { service.start(); }, [&] { service.tick(); }, [&] { service.drain(); },
                        [&] { return service.drained(); }, [&] { service.reload(); },
                        std::chrono::seconds(options.limits.drain_timeout), linger});
}

} // namespace

} // namespace anime::service

int main(int argc, char **argv)
{
    using namespace anime::service;
    return program_main(argc, argv, Program::server, serve);
}
