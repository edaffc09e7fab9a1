// SPDX-License-Identifier: LGPL-2.1-or-later
// The table of limits: names, bounds, units and what they are for.
#include "service/ops/options.h"

namespace anime::service
{

const std::vector<LimitSpec> &limit_specs()
{
    constexpr std::int64_t gib = 1LL << 30;
    static const std::vector<LimitSpec> specs = {
        {"max-bytes", &Limits::max_bytes, 1024, gib, "bytes", "largest upload"},
        {"max-pending-bytes", &Limits::max_pending_bytes, 1 << 20, 16 * gib, "bytes",
         "all uploads that arrive or wait, a quarter of them of one client"},
        {"max-sending-bytes", &Limits::max_sending_bytes, 1 << 20, 16 * gib, "bytes",
         "pictures in memory that are being sent, a quarter of them to one client"},
        {"queue-size", &Limits::queue_size, 1, 100000, "jobs", "jobs that may wait"},
        {"workers", &Limits::workers, 1, 64, "pipelines", "pictures painted at once"},
        {"max-jobs", &Limits::max_jobs, 16, 100000, "jobs", "jobs remembered, finished ones included"},
        {"job-ttl", &Limits::job_ttl, 1, 86400, "s", "how long a finished job is remembered"},
        {"rate", &Limits::rate, 1, 1000000, "uploads/min", "uploads of one client, sustained"},
        {"burst", &Limits::burst, 1, 1000000, "uploads", "uploads of one client in one go"},
        {"max-connections", &Limits::max_connections, 8, 100000, "connections", "of all clients"},
        {"max-connections-per-client", &Limits::max_connections_per_client, 1, 100000, "connections",
         "of one client"},
        {"header-timeout", &Limits::header_timeout, 1, 3600, "s",
         "for a request's head, and between requests"},
        {"body-timeout", &Limits::body_timeout, 1, 3600, "s", "for a request's body"},
        {"send-timeout", &Limits::send_timeout, 1, 3600, "s", "for an answer, and 1 s more for each 64 KiB"},
        {"deadline", &Limits::deadline, 1, 3600, "s", "from acceptance to picture, waiting included"},
        {"max-wait", &Limits::max_wait, 1, 3600, "s", "the longest Prefer: wait"},
        {"memory-soft", &Limits::memory_soft, 32 << 20, 1024 * gib, "bytes", "RSS: warn and trim"},
        {"memory-hard", &Limits::memory_hard, 32 << 20, 1024 * gib, "bytes", "RSS: refuse uploads"},
        {"cache-bytes", &Limits::cache_bytes, 1 << 20, 64 * gib, "bytes", "pictures kept in memory"},
        {"cache-disk-bytes", &Limits::cache_disk_bytes, 1 << 20, 64 * 1024 * gib, "bytes",
         "pictures kept in --cache-dir"},
        {"cache-age", &Limits::cache_age, 1, 366 * 86400, "s",
         "cached pictures, since they were last asked for"},
        {"result-bytes", &Limits::result_bytes, 0, 64 * gib, "bytes",
         "pictures kept until somebody has fetched them"},
        {"log-rate", &Limits::log_rate, 1, 1000000, "lines/min",
         "log lines about requests of one client that make no job"},
        {"drain-timeout", &Limits::drain_timeout, 1, 600, "s", "for work in hand after SIGTERM"},
    };
    return specs;
}

} // namespace anime::service
