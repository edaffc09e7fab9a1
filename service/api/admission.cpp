// SPDX-License-Identifier: LGPL-2.1-or-later
// Who may send a photo now, and how it is taken in.
#include "service/api/api.h"
#include "service/http/address.h"
#include "service/ops/memory.h"
#include "service/text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace anime::service
{

std::optional<Problem> Api::admit(ApiExchange &exchange)
{
    if (!shared_.engine.ready())
        return make_problem("not-ready", "The model is still being loaded.", "Try again in a moment.", 2);
    if (shared_.board.draining())
        return draining_problem();
    if (auto refusal = admit_memory(exchange))
        return refusal;
    if (auto refusal = admit_rate(exchange))
        return refusal;
    return admit_share(exchange);
}

/// Everything but the page and what tells of the service needs a key, if there are any.
std::optional<Problem> Api::admit_key(ApiExchange &exchange) const
{
    const bool needs_key =
        exchange.route->takes != Route::Takes::nothing || exchange.route->pattern.starts_with("/v1/jobs");
    if (!keys_.needed() || !needs_key)
        return std::nullopt;
    const std::string key = ApiKeys::of(exchange.head);
    if (key.empty() && shared_.options.anonymous)
        return std::nullopt;
    if (key.empty())
        return make_problem("key-missing", "This service paints for those who have a key.",
                            "Send it as Authorization: Bearer KEY, or ask the operator for one.");
    exchange.key = keys_.find(key);
    if (!exchange.key)
        return make_problem("key-invalid", "This key is not known here.",
                            "Look whether it was copied whole; the operator may have withdrawn it.");
    return std::nullopt;
}

std::optional<Problem> Api::admit_rate(const ApiExchange &exchange)
{
    const auto now = std::chrono::steady_clock::now();
    const auto wait = exchange.key ? exchange.key->limiter->take(exchange.key->name, now)
                                   : limiter_.take(rate_key(exchange.client), now);
    if (wait.count() == 0)
        return std::nullopt;
    const std::int64_t rate =
        exchange.key && exchange.key->rate > 0 ? exchange.key->rate : shared_.options.limits.rate;
    Problem often = make_problem("rate",
                                 "This client uploads more often than the service allows (" +
                                     std::to_string(rate) + " a minute).",
                                 "Wait a moment before the next upload.",
                                 static_cast<int>(std::ceil(static_cast<double>(wait.count()) / 1000)));
    often.limit = static_cast<std::uint64_t>(rate);
    return often;
}

/// No key fills the queue for the others.
std::optional<Problem> Api::admit_share(const ApiExchange &exchange)
{
    if (!exchange.key)
        return std::nullopt;
    std::vector<std::string> &jobs = jobs_of_keys_[exchange.key->name];
    std::erase_if(jobs, [this](const std::string &id) {
        const auto job = shared_.board.find(id);
        return !job || is_final(job->state);
    });
    const std::size_t share =
        exchange.key->share > 0
            ? exchange.key->share
            : std::max<std::size_t>(1, static_cast<std::size_t>(shared_.options.limits.queue_size) / 4);
    if (jobs.size() < share)
        return std::nullopt;
    Problem full = make_problem("share-full", "As many jobs of this key are unfinished as it may have.",
                                "Wait until some are done.", 5);
    full.limit = share;
    full.actual = jobs.size();
    return full;
}

std::optional<Problem> Api::admit_memory(const ApiExchange &exchange)
{
    const Limits &limits = shared_.options.limits;
    const std::uint64_t resident = resident_bytes();
    const auto hard = static_cast<std::uint64_t>(limits.memory_hard);
    const auto soft = static_cast<std::uint64_t>(limits.memory_soft);
    if (resident <= soft)
        return std::nullopt;
    trim_wanted_ = true;
    if (resident <= hard) {
        shared_.log.write(Level::warning, Layer::service, exchange.head.id, "memory above the soft limit",
                          {{"rss_bytes", resident}, {"limit", soft}});
        return std::nullopt;
    }
    Problem full = make_problem("memory", "The service is short of memory.", "Try again in a moment.", 5);
    full.limit = hard;
    full.actual = resident;
    return full;
}

std::optional<Problem> Api::prepare_upload(ApiExchange &exchange)
{
    const auto key = exchange.head.headers.find("idempotency-key");
    if (key != exchange.head.headers.end() && !valid_id(key->second))
        return make_problem("header-invalid", "The Idempotency-Key is not valid.",
                            "Use 1 to 128 letters, digits and . _ : - (a UUID is good).");
    PaintChoices &choices = exchange.choices.emplace(shared_.engine.facts(), shared_.options.pipeline);
    for (const auto &[name, value] : exchange.head.query)
        if (auto refusal = choices.set(name, value))
            return refusal;
    FormFields fields;
    if (exchange.route->takes == Route::Takes::edit) {
        fields = edit_fields(exchange);
    } else {
        fields.has = PaintChoices::has;
        fields.set = [&choices](const std::string &name, const std::string &value) {
            return choices.set(name, value);
        };
    }
    exchange.upload = std::make_unique<Upload>(static_cast<std::uint64_t>(shared_.options.limits.max_bytes),
                                               shared_.budget, rate_key(exchange.client), std::move(fields));
    return exchange.upload->expect(exchange.head.header("content-type"), exchange.head.declared_bytes);
}

Problem Api::body_slow() const
{
    Problem slow = make_problem("body-slow",
                                "The request took longer than " +
                                    std::to_string(shared_.options.limits.body_timeout) + " s to arrive.",
                                "Send a smaller photo, or use a faster connection.");
    slow.limit = static_cast<std::uint64_t>(shared_.options.limits.body_timeout);
    return slow;
}

} // namespace anime::service
