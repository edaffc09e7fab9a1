// SPDX-License-Identifier: LGPL-2.1-or-later
// Uploads, jobs, their results and events.
#include "models/error.h"
#include "service/api_routes.h"
#include "service/http/address.h"
#include "service/job_json.h"
#include "service/text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace anime::service
{

namespace
{

using Clock = std::chrono::steady_clock;

/// How often a silent event stream shows that it is alive; proxies cut what is silent for a minute.
constexpr std::chrono::seconds heartbeat{15};

std::chrono::system_clock::time_point wall()
{
    return std::chrono::system_clock::now();
}

/// The events of one job for one client.
class EventSource
{
public:
    EventSource(const JobBoard &board, JobView first, std::uint64_t seen)
        : board_(board), id_(first.id), seen_(seen), last_(Clock::now())
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
        if (job->version != seen_) {
            seen_ = job->version;
            last_ = now;
            ended_ = is_final(job->state);
            return "id: " + std::to_string(job->version) + "\nevent: " + (ended_ ? "done" : "progress") +
                   "\ndata: " +
                   to_json(*job).dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) +
                   "\n\n";
        }
        if (is_final(job->state)) {
            // The client has seen the end already, from a connection before this one.
            ended_ = true;
            return "event: done\ndata: " +
                   to_json(*job).dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) +
                   "\n\n";
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

std::optional<Problem> Api::submit(ApiExchange &exchange, bool attached)
{
    if (auto refusal = choose_format(exchange))
        return refusal;
    std::string digest;
    try {
        digest = shared_.engine.painter_digest(exchange.options);
    } catch (const Error &error) {
        return make_problem(error.code(), error.what(), error.remedy());
    }
    const Upload &upload = *exchange.upload;
    exchange.file_name = upload.file_name();
    NewJob job;
    job.request_id = exchange.request_id;
    job.client = rate_key(exchange.client);
    job.file_name = upload.file_name();
    job.idempotency_key = exchange.header("idempotency-key");
    job.options = exchange.options;
    job.key = cache_key(upload.sha256(), digest, exchange.options);
    job.receive_ms = milliseconds(Clock::now() - exchange.started);
    job.attached = attached;
    job.cached = shared_.memory_cache.find(job.key, Clock::now());
    job.input = exchange.upload->take_file();

    const Submission submission = shared_.board.submit(job, Clock::now(), wall());
    if (submission.problem)
        return submission.problem;
    exchange.job = submission.job->id;
    exchange.attached = attached;
    shared_.board.listen(exchange.job, exchange.suspension);
    // What a worker looks for on the disk, it counts.
    if (submission.job->cache != "miss" && submission.job->request_id == exchange.request_id) {
        shared_.metrics.cache(submission.job->cache);
        nlohmann::ordered_json fields = {{"cache", submission.job->cache}, {"job", exchange.job}};
        if (!submission.job->painted_by.empty())
            fields["painted_by"] = submission.job->painted_by;
        shared_.log.write(Level::info, Layer::inference, exchange.request_id, "no need to paint", fields);
    }
    return std::nullopt;
}

std::optional<JobView> Api::wait_for_job(ApiExchange &exchange)
{
    auto job = shared_.board.find(exchange.job);
    if (job && !is_final(job->state) && exchange.answer_by && Clock::now() < *exchange.answer_by) {
        exchange.wake_at = *exchange.answer_by;
        return std::nullopt;
    }
    if (!job) {
        // Forgotten while this client waited: only possible with a very short --job-ttl.
        job.emplace();
        job->id = exchange.job;
        job->state = JobState::failed;
        job->problem = make_problem("job-not-found", "The job has expired.", "Upload the photo again.");
    }
    return job;
}

Response Api::job_document(const ApiExchange &exchange, const JobView &job, int status) const
{
    Response response = json_response(status, to_json(job));
    response.header("Location", "/v1/jobs/" + job.id);
    if (!is_final(job.state))
        response.header("Retry-After", "1");
    if (job.picture)
        add_picture_headers(response, job);
    return response;
}

void Api::add_picture_headers(Response &response, const JobView &job) const
{
    const auto size = [](const Size &s) { return std::to_string(s.width) + "x" + std::to_string(s.height); };
    response.header("Server-Timing", server_timing(job.picture->timings));
    response.header("X-Cache", job.cache);
    if (job.picture->source.width > 0)
        response.header("X-Source-Size", size(job.picture->source));
    if (job.picture->processed.width > 0)
        response.header("X-Processed-Size", size(job.picture->processed));
}

std::optional<Response> Api::post_job(ApiExchange &exchange, const std::string &)
{
    if (exchange.job.empty()) {
        if (const auto wait = prefer_wait(exchange.header("prefer")))
            exchange.answer_by =
                Clock::now() +
                std::chrono::seconds(std::min<std::int64_t>(*wait, shared_.options.limits.max_wait));
        if (auto refusal = submit(exchange, false))
            return refuse(exchange, *refusal, "admission");
    }
    const auto job = wait_for_job(exchange);
    if (!job)
        return std::nullopt;
    if (job->problem && exchange.answer_by) {
        Response response = problem_response(*job->problem, exchange.request_id, "/v1/jobs/" + job->id);
        response.header("Location", "/v1/jobs/" + job->id);
        return response;
    }
    Response response = job_document(exchange, *job, is_final(job->state) ? 200 : 202);
    if (exchange.answer_by)
        response.header("Preference-Applied", exchange.header("prefer"));
    return response;
}

std::optional<Response> Api::post_upload(ApiExchange &exchange, const std::string &)
{
    if (exchange.job.empty()) {
        // The processing deadline ends the wait; this is for the case that it could not.
        exchange.answer_by = Clock::now() + std::chrono::seconds(shared_.options.limits.deadline + 15);
        if (auto refusal = submit(exchange, true))
            return refuse(exchange, *refusal, "admission");
    }
    const auto job = wait_for_job(exchange);
    if (!job)
        return std::nullopt;
    if (job->state == JobState::cancelled)
        return problem(exchange, make_problem("job-cancelled", "The job was cancelled.", "Upload it again."));
    if (!job->picture)
        return problem(exchange, job->problem ? *job->problem
                                              : make_problem("deadline", "The photo took too long.",
                                                             "Try again when the service is less busy."));
    const PicturePtr picture = shared_.board.picture(job->id);
    if (!picture)
        return gone(exchange);
    nlohmann::ordered_json head = to_json(*job);
    head["media_type"] = picture->info.media_type;
    std::string text = head.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    text.pop_back(); // the closing brace
    const PicturePtr counted = count_as_sending(exchange, picture);
    if (!counted)
        return sending_full(exchange);
    Response response = json_response(200, {});
    exchange.has_picture = true;
    response.body = Base64Body{text + ",\"image\":\"", {counted, counted->data.get()}, "\"}\n"};
    add_picture_headers(response, *job);
    return response;
}

std::optional<Response> Api::get_job(ApiExchange &exchange, const std::string &id)
{
    if (exchange.job.empty()) {
        if (!shared_.board.find(id))
            return gone(exchange);
        exchange.job = id;
        if (const auto wait = prefer_wait(exchange.header("prefer"))) {
            exchange.answer_by =
                Clock::now() +
                std::chrono::seconds(std::min<std::int64_t>(*wait, shared_.options.limits.max_wait));
            shared_.board.listen(id, exchange.suspension);
        }
    }
    const auto job = wait_for_job(exchange);
    if (!job)
        return std::nullopt;
    return job_document(exchange, *job, 200);
}

std::optional<Response> Api::delete_job(ApiExchange &exchange, const std::string &id)
{
    const auto before = shared_.board.find(id);
    if (!before)
        return gone(exchange);
    exchange.job = id;
    if (is_final(before->state) && before->state != JobState::cancelled)
        return problem(exchange, make_problem("job-finished", "The job is finished already.",
                                              "There is nothing left to cancel."));
    const auto job = shared_.board.cancel(id, wall());
    return job ? job_document(exchange, *job, 200) : gone(exchange);
}

std::optional<Response> Api::get_result(ApiExchange &exchange, const std::string &id)
{
    const auto job = shared_.board.find(id);
    if (!job)
        return gone(exchange);
    exchange.job = id;
    if (job->state == JobState::cancelled)
        return problem(exchange, make_problem("job-cancelled", "The job was cancelled.", "Upload it again."));
    if (job->problem)
        return problem(exchange, *job->problem);
    if (!is_final(job->state)) {
        Response response = problem(exchange, make_problem("job-not-finished", "The picture isn't ready yet.",
                                                           "Wait for it at /v1/jobs/{id}/events."));
        response.header("Retry-After", "1");
        return response;
    }

    Response response;
    response.header("Content-Type", job->picture->media_type);
    response.header("ETag", etag_of(*job));
    response.header("Cache-Control",
                    "private, max-age=" + std::to_string(shared_.options.limits.job_ttl) + ", immutable");
    add_picture_headers(response, *job);
    if (etag_matches(exchange.header("if-none-match"), etag_of(*job))) {
        response.status = 304;
        return response;
    }
    const std::string extension = job->picture->media_type == "image/png" ? "png" : "jpg";
    response.header("Content-Disposition", "inline; filename=\"anime." + extension + "\"");
    exchange.has_picture = exchange.method == "GET";
    PicturePtr picture = shared_.board.picture(id);
    if (!picture)
        picture = shared_.memory_cache.find(job->key, Clock::now());
    if (const PicturePtr counted = picture ? count_as_sending(exchange, picture) : nullptr) {
        response.body = SharedBody{counted->data->data(), counted->data->size(), counted};
        return response;
    }
    // From the file itself: only its first page is read here, the rest by the kernel while it is sent.
    if (shared_.disk_cache)
        if (auto file = shared_.disk_cache->open(job->key)) {
            response.body = FileBody{std::move(file->file), file->offset, file->info.bytes};
            return response;
        }
    if (picture)
        return sending_full(exchange);
    return problem(exchange, make_problem("result-expired", "The picture was not kept this long.",
                                          "Upload the photo again."));
}

std::optional<Response> Api::get_events(ApiExchange &exchange, const std::string &id)
{
    const auto job = shared_.board.find(id);
    if (!job)
        return gone(exchange);
    exchange.job = id;
    shared_.board.listen(id, exchange.suspension);
    const std::string last = exchange.header("last-event-id");
    std::uint64_t seen = UINT64_MAX;
    std::from_chars(last.data(), last.data() + last.size(), seen);
    Response response;
    response.header("Content-Type", "text/event-stream");
    response.header("Cache-Control", "no-store");
    response.header("X-Accel-Buffering", "no"); // nginx passes events on at once
    auto source = std::make_shared<EventSource>(shared_.board, *job, seen);
    response.body = EventBody{[source] { return source->next(); }};
    return response;
}

PicturePtr Api::count_as_sending(const ApiExchange &exchange, const PicturePtr &picture) const
{
    ByteBudget &budget = shared_.sending;
    const std::string client = rate_key(exchange.client);
    // One that is larger than a client's share is the whole share, or nobody would ever get it.
    const std::uint64_t bytes = std::min<std::uint64_t>(picture->data->size(), budget.most_per_client());
    if (budget.take(client, bytes))
        return nullptr;
    return {picture.get(),
            [picture, client, bytes, &budget](const Picture *) { budget.give_back(client, bytes); }};
}

Response Api::sending_full(const ApiExchange &exchange) const
{
    const Problem full = make_problem(
        "sending-full", "More pictures are being sent than the service holds, to this client or to all.",
        "Take in those that are under way, then try again.", 2);
    shared_.metrics.rejected(full.code);
    return problem(exchange, full);
}

Response Api::gone(const ApiExchange &exchange) const
{
    return problem(exchange, make_problem("job-not-found", "There is no such job, or it has expired.",
                                          "Upload the photo again."));
}

} // namespace anime::service
