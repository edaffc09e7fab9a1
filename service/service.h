// SPDX-License-Identifier: LGPL-2.1-or-later
// The whole service, from its parts, for main() and for the tests.
#pragma once

#include "service/api/api.h"
#include "service/broker/cluster.h"
#include "service/engine/workers.h"
#include "service/http/server.h"
#include "service/ops/admin.h"

#include <memory>
#include <thread>

namespace anime::service
{

class Service
{
public:
    /// Listens at once and answers /livez; loads the model in start(). Throws std::runtime_error when an
    /// address or folder can't be used.
    Service(const Options &options, LineWriter &lines);
    ~Service();
    Service(const Service &) = delete;
    Service &operator=(const Service &) = delete;

    /// Loads the model, which takes a moment, and starts to work. Throws std::runtime_error if it can't.
    void start();
    /// Deadlines, expiries, trimming: call a few times a second.
    void tick();

    /// Reads the file of API keys again.
    void reload();

    /// From here on no new work; what is in hand goes on.
    void drain();
    /// Nothing is in hand, and everybody has the answer that they wait for.
    bool drained() const;
    /// Ends what is still in hand.
    void abandon();

    std::uint16_t port() const { return server_->port(); }
    std::uint16_t metrics_port() const { return admin_server_->port(); }
    Log &log() { return log_; }

private:
    Cluster::Host cluster_host();
    Gauges gauges() const;
    std::string not_ready() const;
    void trim_when_idle();
    void expire_caches();
    void report(const std::vector<JobView> &failed);

    const Options options_;
    Log log_;
    Metrics metrics_;
    Engine engine_;
    ByteBudget budget_; // outlives the jobs, whose bytes it counts
    ByteBudget sending_;
    std::unique_ptr<Cluster> cluster_; // null without --broker
    JobBoard board_;
    MemoryCache memory_cache_;
    std::unique_ptr<DiskCache> disk_cache_;
    Api api_;
    Admin admin_;
    std::unique_ptr<HttpServer> server_;
    std::unique_ptr<HttpServer> admin_server_; // its thread looks at all that stands above
    std::unique_ptr<Workers> workers_;
    std::uint64_t taken_when_trimmed_ = 0;              // tick()'s own
    std::chrono::steady_clock::time_point next_expiry_; // the same
};

} // namespace anime::service
