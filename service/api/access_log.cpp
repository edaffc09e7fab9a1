// SPDX-License-Identifier: LGPL-2.1-or-later
// What is written and counted of each request, whatever became of it.
#include "service/api/api.h"
#include "service/http/address.h"
#include "service/ops/memory.h"
#include "service/text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace anime::service
{

namespace
{

/// Of each thing that a client wrote.
constexpr std::size_t most_logged_characters = 200;

/// A client may make up any number of methods; the metrics remember each label for ever.
const char *method_label(const std::string &method)
{
    for (const char *known : {"GET", "HEAD", "POST", "DELETE", "OPTIONS"})
        if (method == known)
            return known;
    return "other";
}

/// Probes come every few seconds for ever: their lines would bury the others.
bool is_probe(const Route *route)
{
    return route && (route->pattern == "/livez" || route->pattern == "/readyz");
}

} // namespace

/// Anybody may ask as often as he likes for what costs nothing, and each line costs the disk: lines about
/// requests without a job are only so many a minute for each client.
bool Api::may_log(const std::string &client) const
{
    if (log_limiter_.take(rate_key(client), std::chrono::steady_clock::now()).count() == 0)
        return true;
    ++lines_omitted_;
    shared_.metrics.access_line_omitted();
    return false;
}

void Api::log_refusal(const ApiExchange &exchange, const Problem &refusal, const std::string &stage) const
{
    if (may_log(exchange.client))
        shared_.log.failure(exchange.head.id, refusal, stage,
                            {{"client", exchange.client}, {"bytes", exchange.transfer.received_bytes}});
}

void Api::refused_head(const std::string &peer, int status)
{
    shared_.metrics.request("unknown", "other", status, 0);
    shared_.metrics.rejected("head-invalid");
    if (!may_log(peer))
        return;
    nlohmann::ordered_json fields = {{"client", peer}, {"status", status}, {"code", "head-invalid"}};
    shared_.log.write(Level::warning, Layer::access, random_id(), "a head that is no HTTP, or too large",
                      fields);
}

void Api::completed(ApiExchange &exchange)
{
    Transfer &transfer = exchange.transfer;
    if (exchange.attached)
        shared_.board.detach(exchange.job, std::chrono::system_clock::now());
    if (transfer.delivered && exchange.has_picture && transfer.status == 200)
        shared_.board.delivered(exchange.job);
    if (transfer.abandoned)
        transfer.code = "client-gone";
    if (transfer.late) { // its answer was made before it was known to be needed
        transfer.code = "body-slow";
        log_refusal(exchange, body_slow(), "receive");
    }
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - exchange.head.started).count();
    shared_.metrics.request(exchange.route ? std::string(exchange.route->pattern) : "unknown",
                            method_label(exchange.head.method), transfer.status, seconds);
    if (exchange.key)
        shared_.metrics.key_request(exchange.key->name, transfer.status);
    // A job's own failure was counted when it failed, and may be fetched any number of times.
    if (!transfer.code.empty() && exchange.job.empty())
        shared_.metrics.rejected(transfer.code);
    const bool made_job =
        exchange.route && exchange.route->takes != Route::Takes::nothing && !exchange.job.empty();
    if (is_probe(exchange.route) || (!made_job && !may_log(exchange.client)))
        return;
    const std::string method = clean_text(exchange.head.method, most_logged_characters);
    const std::string path = clean_text(exchange.head.path, most_logged_characters);
    nlohmann::ordered_json fields = {
        {"client", exchange.client},
        {"method", method},
        {"path", path},
        {"status", transfer.status},
        {"duration_ms", std::round(seconds * 1e4) / 10},
        {"bytes_in", transfer.received_bytes},
        {"bytes_out", transfer.sent_bytes},
        {"user_agent", clean_text(exchange.head.header("user-agent"), most_logged_characters)},
        {"rss_bytes", resident_bytes()}};
    if (!transfer.code.empty())
        fields["code"] = transfer.code;
    if (exchange.key)
        fields["key"] = exchange.key->name;
    if (!exchange.job.empty())
        fields["job"] = exchange.job;
    if (!exchange.file_name.empty())
        fields["file"] = exchange.file_name;
    if (lines_omitted_ > 0)
        fields["lines_omitted"] = std::exchange(lines_omitted_, 0);
    shared_.log.write(Level::info, Layer::access, exchange.head.id, method + " " + path, fields);
}

} // namespace anime::service
