// SPDX-License-Identifier: LGPL-2.1-or-later
// A whole worker, from its parts, for main().
#pragma once

#include "service/broker/connection.h"
#include "service/broker/worker.h"
#include "service/http/server.h"
#include "service/ops/admin.h"

#include <memory>
#include <mutex>

namespace anime::service
{

class WorkerService
{
public:
    /// Answers at the operator's address at once. Throws std::runtime_error when that can't be used.
    WorkerService(const Options &options, LineWriter &lines);

    /// Connects, loads the model, which takes a moment, and takes work. Throws std::runtime_error for what
    /// another try can't mend.
    void start();
    /// Deadlines and trimming: call a few times a second.
    void tick();

    /// From here on it takes nothing more; what is in hand goes on.
    void drain();
    bool drained() const { return busy() == 0; }

    std::uint16_t metrics_port() const { return admin_server_->port(); }
    Log &log() { return log_; }

private:
    std::size_t busy() const;
    std::string not_ready() const;
    Gauges gauges() const;

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

} // namespace anime::service
