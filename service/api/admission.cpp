// SPDX-License-Identifier: LGPL-2.1-or-later
// Who may send a photo now, and how it is taken in.
#include "service/api/api.h"
#include "service/http/address.h"
#include "service/memory.h"
#include "service/text.h"

#include <nlohmann/json.hpp>

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
    const auto wait = limiter_.take(rate_key(exchange.client), std::chrono::steady_clock::now());
    if (wait.count() == 0)
        return std::nullopt;
    Problem often = make_problem("rate",
                                 "This client uploads more often than the service allows (" +
                                     std::to_string(shared_.options.limits.rate) + " a minute).",
                                 "Wait a moment before the next upload.",
                                 static_cast<int>(std::ceil(static_cast<double>(wait.count()) / 1000)));
    often.limit = static_cast<std::uint64_t>(shared_.options.limits.rate);
    return often;
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
    fields.set = [&choices](const std::string &name, const std::string &value) {
        return choices.set(name, value);
    };
    fields.has = PaintChoices::has;
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
