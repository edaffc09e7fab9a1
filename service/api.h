// SPDX-License-Identifier: LGPL-2.1-or-later
// What the service answers: routes, admission, jobs. Called by the HTTP thread alone; openapi.json is its
// contract.
#pragma once

#include "service/http/exchange.h"
#include "service/proxies.h"
#include "service/rate_limiter.h"
#include "service/shared.h"

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace anime::service
{

struct ApiExchange final : Exchange {
    std::string client;   ///< the peer, or whom a trusted proxy speaks for
    std::string route;    ///< path with its variable parts as in {id}, for the metrics
    PaintOptions options; ///< what the query and the upload's fields chose so far
    std::string job;      ///< id, once there is one
    std::string file_name;
    std::optional<std::chrono::steady_clock::time_point> answer_by; ///< end of Prefer: wait
    bool has_picture = false;                                       ///< the answer has the job's picture
    bool attached = false; ///< to its job, which is told when this exchange is completed
};

class Api final : public Handler
{
public:
    /// Throws std::runtime_error for a --trusted-proxy that is no address.
    explicit Api(const Shared &shared);

    std::unique_ptr<Exchange> new_exchange() override { return std::make_unique<ApiExchange>(); }
    std::optional<Response> begin(Exchange &plain) override;
    std::optional<Response> finish(Exchange &plain) override;
    Response late(const Exchange &plain) override;
    Response refused(const Exchange &plain, const Problem &problem) override;
    void abandoned(Exchange &plain) override;
    void completed(const Exchange &plain) override;

    bool trusts(const std::string &peer) const { return proxies_.trusts(peer); }

    /// Above the soft limit the caller should trim; set by requests, cleared by the reader.
    bool take_trim_request() { return trim_wanted_.exchange(false); }

private:
    struct Route;
    static const std::vector<Route> &routes();
    const Route *find_route(ApiExchange &exchange, std::string &id, std::string &allowed) const;

    // Routes. Each is asked again when the exchange was woken.
    std::optional<Response> post_job(ApiExchange &exchange, const std::string &id);
    std::optional<Response> post_upload(ApiExchange &exchange, const std::string &id);
    std::optional<Response> get_job(ApiExchange &exchange, const std::string &id);
    std::optional<Response> delete_job(ApiExchange &exchange, const std::string &id);
    std::optional<Response> get_result(ApiExchange &exchange, const std::string &id);
    std::optional<Response> get_events(ApiExchange &exchange, const std::string &id);
    std::optional<Response> get_limits(ApiExchange &exchange, const std::string &id);
    std::optional<Response> get_styles(ApiExchange &exchange, const std::string &id);
    std::optional<Response> get_live(ApiExchange &exchange, const std::string &id);
    std::optional<Response> get_ready(ApiExchange &exchange, const std::string &id);
    std::optional<Response> get_page(ApiExchange &exchange, const std::string &id);

    std::optional<Response> answer_head(ApiExchange &exchange);
    std::optional<Problem> admit(ApiExchange &exchange);
    std::optional<Problem> admit_memory(const ApiExchange &exchange);
    std::optional<Problem> prepare_upload(ApiExchange &exchange);
    std::optional<Problem> submit(ApiExchange &exchange, bool attached);
    std::optional<Problem> set_option(ApiExchange &exchange, const std::string &name,
                                      const std::string &value);
    /// The format that the client chose, if the pipeline makes it; else the one that its Accept header
    /// prefers.
    std::optional<Problem> choose_format(ApiExchange &exchange) const;
    /// The job once it is final, or once the time to wait is over; nothing while it is neither.
    std::optional<JobView> wait_for_job(ApiExchange &exchange);
    Response problem(const ApiExchange &exchange, const Problem &problem) const;
    /// The same for what gets no job, with a line in the log.
    Response refuse(const ApiExchange &exchange, const Problem &problem, const std::string &stage) const;
    void log_refusal(const ApiExchange &exchange, const Problem &problem, const std::string &stage) const;
    Problem body_slow() const;
    Response job_document(const ApiExchange &exchange, const JobView &job, int status) const;
    Response gone(const ApiExchange &exchange) const;
    /// The picture, counted until its answer was sent; null if too much is being sent.
    PicturePtr count_as_sending(const ApiExchange &exchange, const PicturePtr &picture) const;
    Response sending_full(const ApiExchange &exchange) const;
    void add_picture_headers(Response &response, const JobView &job) const;
    Response with_common_headers(const ApiExchange &exchange, Response response) const;

    const Shared shared_;
    const TrustedProxies proxies_;
    RateLimiter limiter_;
    std::atomic<bool> trim_wanted_{false};
};

} // namespace anime::service
