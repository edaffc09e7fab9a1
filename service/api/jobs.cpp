// SPDX-License-Identifier: LGPL-2.1-or-later
// /v1/jobs: made, watched, cancelled.
#include "models/error.h"
#include "service/api/api.h"
#include "service/api/job_json.h"
#include "service/http/address.h"
#include "service/results/cache_key.h"
#include "service/text.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace anime::service
{

namespace
{

using Clock = std::chrono::steady_clock;

} // namespace

std::optional<Problem> Api::submit(ApiExchange &exchange, bool attached)
{
    if (auto refusal = exchange.choices->complete(exchange.head.header("accept")))
        return refusal;
    std::string painter;
    try {
        painter = shared_.engine.painter_digest(exchange.choices->options());
    } catch (const Error &error) {
        return make_problem(error.code(), error.what(), error.remedy());
    }
    exchange.file_name = exchange.upload->file_name();
    const Submission submission = shared_.board.submit(new_job(exchange, painter, attached), Clock::now(),
                                                       std::chrono::system_clock::now());
    if (submission.problem)
        return submission.problem;
    exchange.job = submission.job->id;
    exchange.attached = attached;
    if (exchange.key && !is_final(submission.job->state))
        jobs_of_keys_[exchange.key->name].push_back(exchange.job);
    shared_.board.listen(exchange.job, exchange.suspension);
    tell_of_no_need_to_paint(exchange, *submission.job);
    return std::nullopt;
}

/// Takes the photo out of the upload. `painter`: the digest of what paints it.
NewJob Api::new_job(ApiExchange &exchange, const std::string &painter, bool attached) const
{
    Upload &upload = *exchange.upload;
    NewJob job;
    job.request_id = exchange.head.id;
    job.client = exchange.key ? "key " + exchange.key->name : rate_key(exchange.client);
    job.file_name = upload.file_name();
    job.idempotency_key = exchange.head.header("idempotency-key");
    job.options = exchange.choices->options();
    job.key = cache_key(upload.sha256(), painter, job.options);
    job.receive_ms = milliseconds(Clock::now() - exchange.head.started);
    job.attached = attached;
    job.cached = shared_.memory_cache.find(job.key, Clock::now());
    job.input = upload.take_file();
    return job;
}

/// Of a picture that was known, or is being painted for another. What a worker looks for on the disk, it
/// tells itself.
void Api::tell_of_no_need_to_paint(const ApiExchange &exchange, const JobView &job) const
{
    if (job.cache == "miss" || job.request_id != exchange.head.id)
        return;
    shared_.metrics.cache(job.cache);
    nlohmann::ordered_json fields = {{"cache", job.cache}, {"job", job.id}};
    if (!job.painted_by.empty())
        fields["painted_by"] = job.painted_by;
    shared_.log.write(Level::info, Layer::inference, exchange.head.id, "no need to paint", fields);
}

std::optional<Submission> Api::admitted(ApiExchange &exchange) const
{
    auto job = shared_.board.find(exchange.job);
    if (job && !job->same_as.empty()) {
        exchange.job = job->same_as;
        shared_.board.listen(exchange.job, exchange.suspension);
        job = shared_.board.find(exchange.job);
    }
    if (job && job->refused) {
        const Problem problem = *job->problem;
        if (exchange.attached)
            shared_.board.detach(exchange.job, std::chrono::system_clock::now());
        exchange.attached = false;
        exchange.job.clear();
        return Submission{std::nullopt, problem};
    }
    if (job && !job->accepted && !is_final(job->state)) {
        exchange.wake_at = Clock::now() + look_again;
        return std::nullopt;
    }
    return Submission{job, std::nullopt};
}

std::optional<JobView> Api::find_job(ApiExchange &exchange, bool &pending) const
{
    pending = false;
    auto job = shared_.board.find(exchange.id);
    if (job || !shared_.elsewhere || !shared_.engine.ready())
        return job;
    if (!exchange.looked_up)
        exchange.looked_up = shared_.elsewhere->look_up(exchange.id, exchange.suspension);
    pending = !exchange.looked_up->done;
    exchange.wake_at = Clock::now() + look_again;
    return pending ? std::nullopt : shared_.board.find(exchange.id);
}

/// The job once it is final, or once the time to wait is over; nothing while it is neither.
std::optional<JobView> Api::wait_for_job(ApiExchange &exchange) const
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

void Api::wait_as_preferred(ApiExchange &exchange) const
{
    if (const auto wait = prefer_wait(exchange.head.header("prefer"))) {
        exchange.wait = std::chrono::seconds(std::min<std::int64_t>(*wait, shared_.options.limits.max_wait));
        exchange.answer_by = Clock::now() + *exchange.wait;
    }
}

Response Api::job_document(const ApiExchange &exchange, const JobView &job, int status) const
{
    Response response = json_response(status, to_json(job));
    response.header("Location", "/v1/jobs/" + job.id);
    if (!is_final(job.state))
        response.header("Retry-After", "1");
    if (exchange.wait)
        response.header("Preference-Applied", "wait=" + std::to_string(exchange.wait->count()));
    if (job.picture)
        add_picture_headers(response, job);
    return response;
}

std::optional<Response> Api::post_job(ApiExchange &exchange)
{
    wait_as_preferred(exchange);
    if (auto refusal = submit(exchange, false))
        return refuse(exchange, *refusal, "admission");
    return go_on_with_job(exchange);
}

std::optional<Response> Api::go_on_with_job(ApiExchange &exchange)
{
    const auto admission = admitted(exchange);
    if (!admission)
        return std::nullopt;
    if (admission->problem)
        return refuse(exchange, *admission->problem, "admission");
    const auto job = wait_for_job(exchange);
    if (!job)
        return std::nullopt;
    if (job->problem && exchange.wait) {
        Response response = problem_response(*job->problem, exchange.head.id, "/v1/jobs/" + job->id);
        response.header("Location", "/v1/jobs/" + job->id);
        response.header("Preference-Applied", "wait=" + std::to_string(exchange.wait->count()));
        return response;
    }
    return job_document(exchange, *job, is_final(job->state) ? 200 : 202);
}

std::optional<Response> Api::get_job(ApiExchange &exchange)
{
    bool pending = false;
    if (!find_job(exchange, pending))
        return pending ? std::nullopt : std::optional(gone(exchange));
    exchange.job = exchange.id;
    wait_as_preferred(exchange);
    if (exchange.wait)
        shared_.board.listen(exchange.job, exchange.suspension);
    return go_on_with_get_job(exchange);
}

std::optional<Response> Api::go_on_with_get_job(ApiExchange &exchange)
{
    if (exchange.job.empty())
        return get_job(exchange);
    const auto job = wait_for_job(exchange);
    return job ? std::optional(job_document(exchange, *job, 200)) : std::nullopt;
}

std::optional<Response> Api::delete_job(ApiExchange &exchange)
{
    bool pending = false;
    const auto before = find_job(exchange, pending);
    if (!before)
        return pending ? std::nullopt : std::optional(gone(exchange));
    exchange.job = exchange.id;
    if (is_final(before->state) && before->state != JobState::cancelled)
        return problem(exchange, make_problem("job-finished", "The job is finished already.",
                                              "There is nothing left to cancel."));
    const auto job = shared_.board.cancel(exchange.id, std::chrono::system_clock::now());
    return job ? job_document(exchange, *job, 200) : gone(exchange);
}

Response Api::unreachable(const ApiExchange &exchange) const
{
    return problem(exchange, make_problem("broker-gone", "The service can't reach its queue.",
                                          "Try again in a moment.", 2));
}

Response Api::gone(const ApiExchange &exchange) const
{
    if (exchange.looked_up && exchange.looked_up->unreachable)
        return unreachable(exchange);
    return problem(exchange, make_problem("job-not-found", "There is no such job, or it has expired.",
                                          "Upload the photo again."));
}

} // namespace anime::service
