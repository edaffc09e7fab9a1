// SPDX-License-Identifier: LGPL-2.1-or-later
// What an operator can set, by option or environment: the service's limits, addresses and folders.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace anime::service
{

/// Every limit has a default here, an option --NAME, a variable ANIME_NAME, and shows in /v1/limits.
struct Limits {
    std::int64_t max_bytes = 5 << 20;          ///< of one upload
    std::int64_t max_pending_bytes = 64 << 20; ///< of all uploads that arrive or wait; a quarter for a client
    std::int64_t max_sending_bytes = 64 << 20; ///< of pictures in memory on their way; a quarter for a client
    std::int64_t queue_size = 64;              ///< jobs that wait
    std::int64_t workers = 2;                  ///< pipelines at work at once
    std::int64_t max_jobs = 2000;              ///< jobs remembered, finished ones included
    std::int64_t job_ttl = 900;                ///< seconds that a finished job is remembered
    std::int64_t rate = 60;                    ///< uploads per client and minute, sustained
    std::int64_t burst = 20;                   ///< uploads per client in one go
    std::int64_t max_connections = 1000;
    std::int64_t max_connections_per_client = 64;
    std::int64_t header_timeout = 10;       ///< seconds, absolute: a request's head, or idle between requests
    std::int64_t body_timeout = 20;         ///< seconds, absolute: a request's body
    std::int64_t send_timeout = 25;         ///< seconds for an answer, and one more for each 64 KiB of it
    std::int64_t deadline = 60;             ///< seconds from acceptance to picture, waiting included
    std::int64_t max_wait = 60;             ///< seconds that Prefer: wait may ask for
    std::int64_t memory_soft = 300LL << 20; ///< bytes of RSS: warn and trim
    std::int64_t memory_hard = 450LL << 20; ///< bytes of RSS: refuse uploads
    std::int64_t cache_bytes = 16 << 20;    ///< of pictures in memory
    std::int64_t cache_disk_bytes = 1LL << 30;
    std::int64_t cache_age = 86400; ///< seconds since a picture was last asked for, until it is forgotten
    std::int64_t result_bytes = 32 << 20; ///< of pictures that nobody has fetched yet
    std::int64_t log_rate = 600;          ///< lines a minute about one client's requests without a job
    std::int64_t drain_timeout = 18;      ///< seconds that work in hand gets after SIGTERM
};

struct Options {
    Limits limits;
    std::string address = "127.0.0.1";
    std::int64_t port = 8080; ///< 0: any free one
    std::string metrics_address = "127.0.0.1";
    std::int64_t metrics_port = 9464; ///< 0: any free one
    std::string pipelines;            ///< folder of *.launch descriptions
    std::string pipeline = "web";     ///< the one served when a client names none
    std::string broker;               ///< nats://…; empty: this process does it all
    std::string broker_ca;            ///< PEM files for TLS with it
    std::string broker_certificate;
    std::string broker_key;
    std::int64_t broker_replicas = 1;             ///< copies of each message that it keeps
    std::int64_t broker_result_bytes = 1LL << 30; ///< of finished pictures that it keeps
    std::int64_t ack_wait = 5; ///< seconds that a worker may be silent before another takes its work
    std::string cache_dir;     ///< empty: no disk cache
    std::vector<std::string> cors_origins;    ///< whose pages may call the API; * for all
    std::string api_keys;                     ///< file of keys; empty: anybody may
    bool anonymous = false;                   ///< with api_keys: also who sends none, as the page does
    std::vector<std::string> trusted_proxies; ///< addresses or CIDR ranges whose X-Forwarded-For counts
};

/// The options, or why the program ends instead (--help, --version, a mistake).
struct ParsedOptions {
    std::optional<Options> options;
    std::string message;
    int exit_code = 0;
};

using Environment = std::function<const char *(const char *name)>;

/// A worker has those options of a server that concern it.
enum class Program { server, worker };
const char *name_of(Program program);

/// The command line beats the environment, which beats the defaults.
ParsedOptions parse_options(const std::vector<std::string> &arguments, const Environment &environment,
                            Program program = Program::server);

/// One number of Limits by its option name, for /v1/limits and the documentation test.
struct LimitSpec {
    const char *name;
    std::int64_t Limits::*value;
    std::int64_t least;
    std::int64_t most;
    const char *unit;
    const char *help;
};
const std::vector<LimitSpec> &limit_specs();

} // namespace anime::service
