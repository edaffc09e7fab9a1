// SPDX-License-Identifier: LGPL-2.1-or-later
// Finished pictures: the answer of /upload, and /v1/jobs/{id}/result.
#include "service/api/api.h"
#include "service/api/job_json.h"
#include "service/http/address.h"
#include "service/text.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace anime::service
{

std::string text_of(const Size &size)
{
    return std::to_string(size.width) + "x" + std::to_string(size.height);
}

void add_picture_headers(Response &response, const JobView &job)
{
    response.header("Server-Timing", server_timing(job.picture->timings));
    response.header("X-Cache", job.cache);
    if (job.picture->source.width > 0)
        response.header("X-Source-Size", text_of(job.picture->source));
    if (job.picture->processed.width > 0)
        response.header("X-Processed-Size", text_of(job.picture->processed));
}

std::optional<Problem> Api::submit_and_stay(ApiExchange &exchange)
{
    // The processing deadline ends the wait; this is for the case that it could not.
    exchange.answer_by =
        std::chrono::steady_clock::now() + std::chrono::seconds(shared_.options.limits.deadline) + look_again;
    return submit(exchange, true);
}

std::optional<Response> Api::post_upload(ApiExchange &exchange)
{
    if (auto refusal = submit_and_stay(exchange))
        return refuse(exchange, *refusal, "admission");
    return go_on_with_upload(exchange);
}

std::optional<std::variant<Api::Awaited, Response>> Api::await_picture(ApiExchange &exchange) const
{
    const auto admission = admitted(exchange);
    if (!admission)
        return std::nullopt;
    if (admission->problem)
        return refuse(exchange, *admission->problem, "admission");
    const auto job = wait_for_job(exchange);
    if (!job)
        return std::nullopt;
    if (job->state == JobState::cancelled)
        return problem(exchange, make_problem("job-cancelled", "The job was cancelled.", "Upload it again."));
    if (!job->picture)
        return problem(exchange, job->problem ? *job->problem
                                              : make_problem("deadline", "The photo took too long.",
                                                             "Try again when the service is less busy."));
    bool pending = false;
    const PicturePtr picture = find_picture(exchange, *job, pending);
    if (pending)
        return std::nullopt;
    if (!picture)
        return gone(exchange);
    PicturePtr counted = count_as_sending(exchange, picture);
    if (!counted)
        return sending_full(exchange);
    exchange.has_picture = true;
    return Awaited{*job, std::move(counted)};
}

std::optional<Response> Api::go_on_with_upload(ApiExchange &exchange)
{
    auto awaited = await_picture(exchange);
    if (!awaited)
        return std::nullopt;
    if (auto *answer = std::get_if<Response>(&*awaited))
        return std::move(*answer);
    const auto &[job, picture] = std::get<Awaited>(*awaited);
    if (prefers_picture(exchange.head.header("accept"))) {
        Response response = picture_response(job);
        response.header("Cache-Control", "no-store");
        response.header("Location", "/v1/jobs/" + job.id);
        response.body = SharedBody{picture->data->data(), picture->data->size(), picture};
        return response;
    }
    nlohmann::ordered_json head = to_json(job);
    head["media_type"] = picture->info.media_type;
    Response response = json_with_picture(head, ",\"image\":\"", picture, "\"}\n");
    response.header("Vary", "Accept");
    add_picture_headers(response, job);
    return response;
}

Response Api::picture_response(const JobView &job) const
{
    Response response;
    response.header("Content-Type", job.picture->media_type);
    response.header("ETag", etag_of(job));
    response.header("Content-Disposition",
                    "inline; filename=\"anime." + extension_of(job.picture->media_type) + "\"");
    response.header("Vary", "Accept");
    add_picture_headers(response, job);
    return response;
}

PicturePtr Api::find_picture(ApiExchange &exchange, const JobView &job, bool &pending) const
{
    pending = false;
    if (!exchange.fetched) {
        PicturePtr picture = shared_.board.picture(job.id);
        if (picture || !shared_.elsewhere)
            return picture;
        picture = shared_.memory_cache.find(job.key, std::chrono::steady_clock::now());
        if (picture || (shared_.disk_cache && shared_.disk_cache->open(job.key)))
            return picture;
        exchange.fetched = shared_.elsewhere->fetch(job.key, exchange.suspension);
    }
    pending = !exchange.fetched->done;
    exchange.wake_at = std::chrono::steady_clock::now() + look_again;
    return pending ? nullptr : exchange.fetched->picture;
}

std::optional<Response> Api::get_result(ApiExchange &exchange)
{
    bool pending = false;
    const auto job = find_job(exchange, pending);
    if (!job)
        return pending ? std::nullopt : std::optional(gone(exchange));
    exchange.job = exchange.id;
    if (auto answer = no_result(exchange, *job, pending))
        return answer;
    if (pending)
        return std::nullopt;

    Response response = picture_response(*job);
    response.header("Cache-Control",
                    "private, max-age=" + std::to_string(shared_.options.limits.job_ttl) + ", immutable");
    if (etag_matches(exchange.head.header("if-none-match"), etag_of(*job))) {
        response.status = 304;
        response.body = AbsentBody{job->picture->bytes};
        return response;
    }
    exchange.has_picture = exchange.head.method == "GET";
    return send_result(exchange, *job, std::move(response));
}

std::optional<Response> Api::no_result(ApiExchange &exchange, const JobView &job, bool &pending) const
{
    if (job.state == JobState::cancelled)
        return problem(exchange, make_problem("job-cancelled", "The job was cancelled.", "Upload it again."));
    if (job.problem)
        return problem(exchange, *job.problem);
    if (is_final(job.state))
        return std::nullopt;
    if (shared_.elsewhere && !(exchange.looked_up && exchange.looked_up->done)) {
        // Another server may have told the client that it is.
        if (!exchange.looked_up)
            exchange.looked_up = shared_.elsewhere->look_up(exchange.id, exchange.suspension);
        exchange.wake_at = std::chrono::steady_clock::now() + look_again;
        pending = true;
        return std::nullopt;
    }
    Response response = problem(exchange, make_problem("job-not-finished", "The picture isn't ready yet.",
                                                       "Wait for it at /v1/jobs/{id}/events."));
    response.header("Retry-After", "1");
    return response;
}

std::optional<Response> Api::send_result(ApiExchange &exchange, const JobView &job, Response response) const
{
    bool pending = false;
    PicturePtr picture = find_picture(exchange, job, pending);
    if (pending)
        return std::nullopt;
    if (!picture)
        picture = shared_.memory_cache.find(job.key, std::chrono::steady_clock::now());
    if (const PicturePtr counted = picture ? count_as_sending(exchange, picture) : nullptr) {
        response.body = SharedBody{counted->data->data(), counted->data->size(), counted};
        return response;
    }
    // From the file itself: only its first page is read here, the rest by the kernel while it is sent.
    if (shared_.disk_cache)
        if (auto file = shared_.disk_cache->open(job.key)) {
            response.body = FileBody{std::move(file->file), file->offset, file->info.bytes};
            return response;
        }
    if (picture)
        return sending_full(exchange);
    if (exchange.fetched && exchange.fetched->unreachable)
        return unreachable(exchange);
    return problem(exchange, make_problem("result-expired", "The picture was not kept this long.",
                                          "Upload the photo again."));
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

} // namespace anime::service
