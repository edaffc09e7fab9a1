// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/worker_service.h"

#include "service/broker/settings.h"
#include "service/ops/memory.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <stdexcept>
#include <utility>

namespace anime::service
{

WorkerService::WorkerService(const Options &options, LineWriter &lines)
    : options_(options), log_(lines), engine_(options_, log_),
      connection_(broker::connection_settings(options_, "worker"),
                  [this](broker::Connection::Said what, const std::string &text) {
                      log_.service(what == broker::Connection::Said::connected ? Level::info : Level::warning,
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

void WorkerService::start()
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
    auto worker = std::make_unique<broker::Worker>(connection_, engine_, log_, metrics_, settings, painter);
    const std::lock_guard guard(lock_);
    worker_ = std::move(worker);
    if (draining_)
        worker_->drain();
}

void WorkerService::tick()
{
    admin_server_->tick();
    const bool idle = busy() == 0;
    if (idle && !std::exchange(was_idle_, idle))
        trim_memory();
    was_idle_ = idle;
}

void WorkerService::drain()
{
    const std::lock_guard guard(lock_);
    draining_ = true;
    if (worker_)
        worker_->drain();
}

std::size_t WorkerService::busy() const
{
    const std::lock_guard guard(lock_);
    return worker_ ? worker_->busy() : 0;
}

std::string WorkerService::not_ready() const
{
    const std::lock_guard guard(lock_);
    if (!worker_)
        return "not-ready";
    if (draining_)
        return "draining";
    return worker_->ready() ? "" : "broker-gone";
}

Gauges WorkerService::gauges() const
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

} // namespace anime::service
