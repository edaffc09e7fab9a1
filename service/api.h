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

class Api final : public Handler
{
public:
    /// Throws std::runtime_error for a --trusted-proxy that is no address.
    explicit Api(const Shared &shared);

    std::optional<Response> begin(Exchange &exchange) override;
    std::optional<Response> finish(Exchange &exchange) override;
    Response late(const Exchange &exchange) override;
    Response refused(const Exchange &exchange, const Problem &problem) override;
    void abandoned(Exchange &exchange) override;
    void completed(const Exchange &exchange) override;

    bool trusts(const std::string &peer) const { return proxies_.trusts(peer); }

    /// Above the soft limit the caller should trim; set by requests, cleared by the reader.
    bool take_trim_request() { return trim_wanted_.exchange(false); }

private:
    struct Route;
    static const std::vector<Route> &routes();
    const Route *find_route(Exchange &exchange, std::string &id, std::string &allowed) const;

    // Routes. Each is asked again when the exchange was woken.
    std::optional<Response> post_job(Exchange &exchange, const std::string &id);
    std::optional<Response> post_upload(Exchange &exchange, const std::string &id);
    std::optional<Response> get_job(Exchange &exchange, const std::string &id);
    std::optional<Response> delete_job(Exchange &exchange, const std::string &id);
    std::optional<Response> get_result(Exchange &exchange, const std::string &id);
    std::optional<Response> get_events(Exchange &exchange, const std::string &id);
    std::optional<Response> get_limits(Exchange &exchange, const std::string &id);
    std::optional<Response> get_styles(Exchange &exchange, const std::string &id);
    std::optional<Response> get_live(Exchange &exchange, const std::string &id);
    std::optional<Response> get_ready(Exchange &exchange, const std::string &id);
    std::optional<Response> get_page(Exchange &exchange, const std::string &id);

    std::optional<Response> answer_head(Exchange &exchange);
    std::optional<Problem> admit(Exchange &exchange);
    std::optional<Problem> admit_memory(const Exchange &exchange);
    std::optional<Problem> prepare_upload(Exchange &exchange);
    std::optional<Problem> submit(Exchange &exchange, bool attached);
    std::optional<Problem> set_option(Exchange &exchange, const std::string &name, const std::string &value);
    std::string digest_of(const PaintOptions &options) const;
    /// The job once it is final, or once the time to wait is over; nothing while it is neither.
    std::optional<JobView> wait_for_job(Exchange &exchange);
    Response problem(const Exchange &exchange, const Problem &problem) const;
    /// The same for what gets no job, with a line in the log.
    Response refuse(const Exchange &exchange, const Problem &problem, const std::string &stage) const;
    void log_refusal(const Exchange &exchange, const Problem &problem, const std::string &stage) const;
    Problem body_slow() const;
    Response job_document(const Exchange &exchange, const JobView &job, int status) const;
    Response gone(const Exchange &exchange) const;
    void add_picture_headers(Response &response, const JobView &job) const;
    Response with_common_headers(const Exchange &exchange, Response response) const;

    const Shared shared_;
    const TrustedProxies proxies_;
    RateLimiter limiter_;
    std::atomic<bool> trim_wanted_{false};
};

} // namespace anime::service
