// SPDX-License-Identifier: LGPL-2.1-or-later
// anime-worker: paints what servers hand to the broker.
#include "service/program.h"
#include "service/worker_service.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdio>
#include <unistd.h>

namespace anime::service
{

namespace
{

void tell_address(WorkerService &service, const Options &options)
{
    service.log().write(Level::info, Layer::service, {}, "listening",
                        {{"metrics_port", service.metrics_port()},
                         {"broker", broker::without_password(options.broker)},
                         {"version", ANIME_VERSION},
                         {"pid", getpid()}});
    std::fprintf(stderr, "anime-worker: works for %s (Ctrl-C stops it; metrics on port %u)\n",
                 broker::without_password(options.broker).c_str(), service.metrics_port());
}

int work(const Options &options, LineWriter &lines)
{
    WorkerService service(options, lines);
    return run_program({Program::worker, service.log(), [&] { tell_address(service, options); },
                        [&] { service.start(); }, [&] { service.tick(); }, [&] { service.drain(); },
                        [&] { return service.drained(); }, nullptr,
                        std::chrono::seconds(options.limits.drain_timeout), std::chrono::milliseconds(0)});
}

} // namespace

} // namespace anime::service

int main(int argc, char **argv)
{
    using namespace anime::service;
    return program_main(argc, argv, Program::worker, work);
}
