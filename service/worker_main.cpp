// SPDX-License-Identifier: LGPL-2.1-or-later
// anime-worker: paints what servers hand to the broker.
#include "models/painter.h"
#include "pipelines/installed.h"
#include "service/broker/settings.h"
#include "service/broker/worker.h"
#include "service/http/server.h"
#include "service/ops/admin.h"
#include "service/ops/memory.h"
#include "service/program.h"

#include <gst/gst.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <unistd.h>
#include <utility>

namespace anime::service
{

namespace
{

class WorkerService
{
public:
    WorkerService(const Options &options, LineWriter &lines)
        : options_(options), log_(lines), engine_(options_, log_),
          connection_(broker::connection_settings(options_, "worker"),
                      [this](broker::Connection::Said what, const std::string &text) {
                          log_.service(what == broker::Connection::Said::connected ? Level::info
                                                                                   : Level::warning,
                                       text);
                      }),
          admin_(
              metrics_, [this] { return gauges(); }, [this] { return not_ready(); })
    {
        ServerSettings admin;
        admin.log = [this](const std::string &text) { log_.service(Level::debug, text); };
        admin.address = options.metrics_address;
        admin.port = static_cast<std::uint16_t>(options.metrics_port);
        admin.most_connections = 64;
        admin_server_ = std::make_unique<HttpServer>(admin, admin_);
    }

    /// Throws std::runtime_error for what another try can't mend.
    void start()
    {
        try {
            connection_.open();
        } catch (const broker::BrokerError &error) {
            throw std::runtime_error(std::string(error.what()) + " " + error.remedy());
        }
        engine_.warm_up();
        trim_memory();
        broker::Worker::Settings settings;
        settings.name = broker::process_name();
        settings.threads = static_cast<std::size_t>(options_.limits.workers);
        settings.ack_wait = std::chrono::seconds(options_.ack_wait);
        const std::string painter = engine_.digest();
        log_.write(Level::info, Layer::service, {}, "paints",
                   {{"painter", broker::short_painter(painter)}, {"worker", settings.name}});
        auto worker =
            std::make_unique<broker::Worker>(connection_, engine_, log_, metrics_, settings, painter);
        const std::lock_guard guard(lock_);
        worker_ = std::move(worker);
        if (draining_)
            worker_->drain();
    }

    void tick()
    {
        admin_server_->tick();
        const bool idle = busy() == 0;
        if (idle && !std::exchange(was_idle_, idle))
            trim_memory();
        was_idle_ = idle;
    }

    void drain()
    {
        const std::lock_guard guard(lock_);
        draining_ = true;
        if (worker_)
            worker_->drain();
    }
    bool drained() const { return busy() == 0; }

    std::uint16_t metrics_port() const { return admin_server_->port(); }
    Log &log() { return log_; }

private:
    std::size_t busy() const
    {
        const std::lock_guard guard(lock_);
        return worker_ ? worker_->busy() : 0;
    }

    std::string not_ready() const
    {
        const std::lock_guard guard(lock_);
        if (!worker_)
            return "not-ready";
        if (draining_)
            return "draining";
        return worker_->ready() ? "" : "broker-gone";
    }

    Gauges gauges() const
    {
        Gauges gauges;
        gauges.workers = static_cast<double>(options_.limits.workers);
        gauges.workers_busy = static_cast<double>(busy());
        gauges.resident_bytes = static_cast<double>(resident_bytes());
        gauges.log_dropped = static_cast<double>(log_.dropped());
        gauges.ready = not_ready().empty();
        gauges.worker = WorkerLoad{connection_.connected(), 0};
        const std::lock_guard guard(lock_);
        if (worker_)
            gauges.worker->redelivered = static_cast<double>(worker_->redelivered());
        return gauges;
    }

    const Options options_;
    Log log_;
    Metrics metrics_;
    Engine engine_;
    broker::Connection connection_;
    mutable std::mutex lock_; // protects the two below
    std::unique_ptr<broker::Worker> worker_;
    bool draining_ = false;
    bool was_idle_ = true; // tick()'s own
    Admin admin_;
    std::unique_ptr<HttpServer> admin_server_; // its thread looks at all of the above
};

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

int run(const Options &options)
{
    LineWriter lines(STDOUT_FILENO);
    try {
        WorkerService service(options, lines);
        const GlibToLog glib(service.log());
        const int exit_code = run_program(
            {"anime-worker", service.log(), [&] { tell_address(service, options); }, [&] { service.start(); },
             [&] { service.tick(); }, [&] { service.drain(); }, [&] { return service.drained(); }, nullptr,
             std::chrono::seconds(options.limits.drain_timeout), std::chrono::milliseconds(0)});
        service.log().service(Level::info, "stopped");
        return exit_code;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "anime-worker: %s\n", error.what());
        return 1;
    }
}

} // namespace

} // namespace anime::service

int main(int argc, char **argv)
{
    using namespace anime::service;
    const ParsedOptions parsed = parse_options({argv, argv + argc}, std::getenv, Program::worker);
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
    return run(*parsed.options);
}
