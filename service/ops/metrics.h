// SPDX-License-Identifier: LGPL-2.1-or-later
// What Prometheus sees. docs/service.md lists the names.
#pragma once

#include "service/picture.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace anime::service
{

/// What a broker tells of the queue.
struct ClusterLoad {
    bool connected = false;
    double pending = 0;        ///< tasks that wait
    double in_flight = 0;      ///< that workers have
    double oldest_seconds = 0; ///< since the oldest of both was queued
    double redelivered = 0;    ///< of those that workers have
    double dead = 0;           ///< that were put aside
};

/// What a worker tells of itself.
struct WorkerLoad {
    bool connected = false;
    double redelivered = 0; ///< tasks so far that it was not the first to get
};

/// Values that are looked up when somebody asks.
struct Gauges {
    double queue_depth = 0;
    double queue_oldest_seconds = 0;
    double workers = 0;
    double workers_busy = 0;
    double jobs = 0;
    double connections = 0;
    double pending_bytes = 0;
    double sending_bytes = 0;
    double result_bytes = 0;
    double cache_bytes = 0;
    double cache_disk_bytes = 0;
    double resident_bytes = 0;
    double log_dropped = 0; ///< since the start
    bool ready = false;
    std::map<std::pair<std::string, std::string>, std::uint64_t> jobs_finished; ///< by state and code
    std::optional<ClusterLoad> cluster;                                         ///< a server's with a broker
    std::optional<WorkerLoad> worker;                                           ///< a worker's
};

class Metrics
{
public:
    Metrics();
    ~Metrics();
    Metrics(const Metrics &) = delete;
    Metrics &operator=(const Metrics &) = delete;

    void request(const std::string &route, const std::string &method, int status, double seconds);
    void rejected(const std::string &code);
    void cache(const std::string &result);
    void painted(const Timings &timings);
    void expired(const std::string &phase);
    void trimmed();
    void access_line_omitted();
    void key_request(const std::string &key, int status);

    /// Prometheus text format.
    std::string text(const Gauges &gauges);

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace anime::service
