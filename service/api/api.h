// SPDX-License-Identifier: LGPL-2.1-or-later
// What the service answers: one table of routes, one file a resource. Called by the HTTP thread alone;
// openapi.json is its contract.
#pragma once

#include "service/answers.h"
#include "service/api/api_keys.h"
#include "service/api/cors.h"
#include "service/api/paint_options.h"
#include "service/api/proxies.h"
#include "service/api/rate_limiter.h"
#include "service/api/upload.h"
#include "service/http/exchange.h"
#include "service/shared.h"

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace anime::service
{

class Api;
class ApiExchange;

/// What a client of OpenAI's images API may say that is no option of ours.
struct OpenAiEdit {
    std::string output_format = "png";
};

/// A request is routed once, when its head is there, and keeps its route.
struct Route {
    std::string_view method;
    std::string_view pattern; ///< with {id}, as the metrics have it
    /// The request is there. Nothing: it sleeps until its job changes.
    std::optional<Response> (Api::*answer)(ApiExchange &exchange);
    /// It was woken; null where nothing sleeps.
    std::optional<Response> (Api::*go_on)(ApiExchange &exchange) = nullptr;
    enum class Takes { nothing, photo, edit } takes = Takes::nothing; ///< an edit is OpenAI's form of a photo
};

class ApiExchange final : public Exchange
{
public:
    ApiExchange(Api &api, RequestHead head);

    std::optional<Response> begin() override;
    std::optional<Response> feed(std::string_view data) override;
    std::optional<Response> finish() override;
    std::optional<Response> resume() override;
    Response late() const override;
    Response refused(Refusal why, const std::string &detail) override;
    void completed() override;

    const std::string client; ///< the peer, or whom a trusted proxy speaks for
    const Route *route = nullptr;
    std::string id; ///< of the address, where the route has one
    std::unique_ptr<Upload> upload;
    std::optional<PaintChoices> choices;
    std::string file_name;
    std::string job;                                                ///< its id, once there is one
    std::optional<std::chrono::seconds> wait;                       ///< Prefer: wait, as it is applied
    std::optional<std::chrono::steady_clock::time_point> answer_by; ///< end of the wait for the job
    bool has_picture = false;                                       ///< the answer has the job's picture
    bool attached = false;             ///< to its job, which is told when this exchange is completed
    std::shared_ptr<const ApiKey> key; ///< that it was sent with
    OpenAiEdit edit;                   ///< what an edit asks for beside its options
    Elsewhere::AnswerPtr looked_up;    ///< whether another server knows the job, once asked
    Elsewhere::AnswerPtr fetched;      ///< its picture, the same

private:
    Response seen_from_other_origins(Response response) const;

    Api &api_;
};

class Api final : public Handler
{
public:
    /// Throws std::runtime_error for a --trusted-proxy that is no address.
    explicit Api(const Shared &shared);

    std::unique_ptr<Exchange> open(RequestHead head) override;
    void refused_head(const std::string &peer, int status) override;

    /// Reads the file of keys again; throws std::runtime_error and keeps the old ones if it is wrong.
    void reload_keys() { keys_.reload(); }

    bool trusts(const std::string &peer) const { return proxies_.trusts(peer); }

    /// Above the soft limit the caller should trim; set by requests, cleared by the reader.
    bool take_trim_request() { return trim_wanted_.exchange(false); }

private:
    friend class ApiExchange;

    // routes.cpp: which resource it is, and what all have in common
    static const std::vector<Route> &routes();
    /// The route, or what may be done at this address (empty: nothing).
    static const Route *find_route(ApiExchange &exchange, std::string &allowed);
    std::optional<Response> begin(ApiExchange &exchange);
    Response problem(const ApiExchange &exchange, const Problem &problem) const;
    /// The same for what gets no job, with a line in the log.
    Response refuse(const ApiExchange &exchange, const Problem &problem, const std::string &stage) const;
    void log_refusal(const ApiExchange &exchange, const Problem &problem, const std::string &stage) const;
    Response refused(const ApiExchange &exchange, Refusal why, const std::string &detail) const;

    // admission.cpp: who may send a photo now
    std::optional<Problem> admit(ApiExchange &exchange);
    std::optional<Problem> admit_key(ApiExchange &exchange) const;
    std::optional<Problem> admit_rate(const ApiExchange &exchange);
    std::optional<Problem> admit_share(const ApiExchange &exchange);
    std::optional<Problem> admit_memory(const ApiExchange &exchange);
    std::optional<Problem> prepare_upload(ApiExchange &exchange);
    Problem body_slow() const;

    // jobs.cpp
    std::optional<Response> post_job(ApiExchange &exchange);
    std::optional<Response> go_on_with_job(ApiExchange &exchange);
    std::optional<Response> get_job(ApiExchange &exchange);
    std::optional<Response> go_on_with_get_job(ApiExchange &exchange);
    std::optional<Response> delete_job(ApiExchange &exchange);
    std::optional<Problem> submit(ApiExchange &exchange, bool attached);
    NewJob new_job(ApiExchange &exchange, const std::string &painter, bool attached) const;
    void tell_of_no_need_to_paint(const ApiExchange &exchange, const JobView &job) const;
    /// Whether the queue takes the job that was submitted. Nothing while it has not said so.
    std::optional<Submission> admitted(ApiExchange &exchange) const;
    /// The job of the address, also one that another server made; nothing and `pending` while that is being
    /// asked.
    std::optional<JobView> find_job(ApiExchange &exchange, bool &pending) const;
    std::optional<JobView> wait_for_job(ApiExchange &exchange) const;
    void wait_as_preferred(ApiExchange &exchange) const;
    Response job_document(const ApiExchange &exchange, const JobView &job, int status) const;
    Response gone(const ApiExchange &exchange) const;
    Response unreachable(const ApiExchange &exchange) const;

    // pictures.cpp: those that wait for a picture, and get it
    std::optional<Problem> submit_and_stay(ApiExchange &exchange);
    std::optional<Response> post_upload(ApiExchange &exchange);
    std::optional<Response> go_on_with_upload(ApiExchange &exchange);
    std::optional<Response> get_result(ApiExchange &exchange);
    /// In place of the picture, while there is none or never will be; nothing if there is one. `pending`: it
    /// may be that another server knows better.
    std::optional<Response> no_result(ApiExchange &exchange, const JobView &job, bool &pending) const;
    /// The picture itself, or why it is not there; nothing while it is being fetched.
    std::optional<Response> send_result(ApiExchange &exchange, const JobView &job, Response response) const;
    /// The job's picture, also from where other servers keep it; null and `pending` while that is being
    /// asked.
    PicturePtr find_picture(ApiExchange &exchange, const JobView &job, bool &pending) const;
    struct Awaited {
        JobView job;
        PicturePtr picture;
    };
    /// The job that the exchange waits for, with its picture, counted as being sent; or the answer in place
    /// of it; nothing while neither is there.
    std::optional<std::variant<Awaited, Response>> await_picture(ApiExchange &exchange) const;
    /// Without its body.
    Response picture_response(const JobView &job) const;
    /// The picture, counted until its answer was sent; null if too much is being sent.
    PicturePtr count_as_sending(const ApiExchange &exchange, const PicturePtr &picture) const;
    Response sending_full(const ApiExchange &exchange) const;

    // openai.cpp
    std::optional<Response> post_edit(ApiExchange &exchange);
    std::optional<Response> go_on_with_edit(ApiExchange &exchange);
    static FormFields edit_fields(ApiExchange &exchange);

    // events.cpp, about.cpp, page.cpp
    std::optional<Response> get_events(ApiExchange &exchange);
    std::optional<Response> get_limits(ApiExchange &exchange);
    std::optional<Response> get_styles(ApiExchange &exchange);
    std::optional<Response> get_live(ApiExchange &exchange);
    std::optional<Response> get_ready(ApiExchange &exchange);
    std::optional<Response> get_page(ApiExchange &exchange);

    // access_log.cpp
    void completed(ApiExchange &exchange);
    bool may_log(const std::string &client) const;

    const Shared shared_;
    const TrustedProxies proxies_;
    const Cors cors_;
    ApiKeys keys_;
    RateLimiter limiter_;
    std::map<std::string, std::vector<std::string>> jobs_of_keys_; ///< ids of those that may be unfinished
    mutable RateLimiter log_limiter_;         ///< of lines about requests that made no job
    mutable std::uint64_t lines_omitted_ = 0; ///< since the last line
    std::atomic<bool> trim_wanted_{false};
};

/// Whoever sleeps until another thread wakes it looks all the same now and then.
inline constexpr std::chrono::seconds look_again{15};

/// Whether there is a file of the web page, or openapi.json, at `path`.
bool is_page(const std::string &path);

/// 800x600
std::string text_of(const Size &size);

/// Headers of every answer that has to do with a finished job's picture.
void add_picture_headers(Response &response, const JobView &job);

} // namespace anime::service
