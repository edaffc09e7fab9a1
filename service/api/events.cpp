// SPDX-License-Identifier: LGPL-2.1-or-later
// /v1/jobs/{id}/events: server-sent events, one at each change of the job.
#include "service/api/api.h"
#include "service/api/job_json.h"
#include "service/json_text.h"

#include <nlohmann/json.hpp>

#include <charconv>

namespace anime::service
{

namespace
{

using Clock = std::chrono::steady_clock;

/// How often a silent event stream shows that it is alive; proxies cut what is silent for a minute.
constexpr std::chrono::seconds heartbeat{15};

/// The events of one job for one client.
class EventSource
{
public:
    EventSource(const JobBoard &board, const std::string &id, std::uint64_t seen)
        : board_(board), id_(id), seen_(seen), last_(Clock::now())
    {
    }

    std::optional<std::string> next()
    {
        if (ended_)
            return std::nullopt;
        const auto job = board_.find(id_);
        const auto now = Clock::now();
        if (!job) {
            ended_ = true;
            return "event: expired\ndata: {}\n\n";
        }
        // One that is final ends the stream also for a client that has seen it over another connection.
        ended_ = is_final(job->state);
        if (job->version != seen_ || ended_) {
            seen_ = job->version;
            last_ = now;
            return "id: " + std::to_string(job->version) + "\nevent: " + (ended_ ? "done" : "progress") +
                   "\ndata: " + dump(to_json(*job)) + "\n\n";
        }
        if (now - last_ >= heartbeat) {
            last_ = now;
            return ": still here\n\n";
        }
        return "";
    }

private:
    const JobBoard &board_;
    const std::string id_;
    std::uint64_t seen_;
    Clock::time_point last_;
    bool ended_ = false;
};

} // namespace

std::optional<Response> Api::get_events(ApiExchange &exchange)
{
    bool pending = false;
    if (!find_job(exchange, pending))
        return pending ? std::nullopt : std::optional(gone(exchange));
    exchange.job = exchange.id;
    shared_.board.listen(exchange.id, exchange.suspension);
    const std::string last = exchange.head.header("last-event-id");
    std::uint64_t seen = UINT64_MAX;
    std::from_chars(last.data(), last.data() + last.size(), seen);
    Response response;
    response.header("Content-Type", "text/event-stream");
    response.header("Cache-Control", "no-store");
    response.header("X-Accel-Buffering", "no"); // nginx passes events on at once
    auto source = std::make_shared<EventSource>(shared_.board, exchange.id, seen);
    response.body = EventBody{[source] { return source->next(); }};
    return response;
}

} // namespace anime::service
