// SPDX-License-Identifier: LGPL-2.1-or-later
// Which resource a request is for, and what all of them have in common.
#include "service/api/api.h"
#include "service/json_text.h"
#include "service/text.h"

#include <nlohmann/json.hpp>

namespace anime::service
{

ApiExchange::ApiExchange(Api &api, RequestHead head)
    : Exchange(std::move(head)),
      client(api.proxies_.client_of(this->head.peer, this->head.header("x-forwarded-for"))), api_(api)
{
}

Response ApiExchange::seen_from_other_origins(Response response) const
{
    api_.cors_.add_headers(head, response);
    return response;
}

std::optional<Response> ApiExchange::begin()
{
    auto answer = api_.begin(*this);
    return answer ? std::optional(seen_from_other_origins(*std::move(answer))) : std::nullopt;
}

std::optional<Response> ApiExchange::feed(std::string_view data)
{
    if (!upload)
        return std::nullopt;
    if (auto problem = upload->feed(data))
        return seen_from_other_origins(api_.refuse(*this, *problem, "receive"));
    return std::nullopt;
}

std::optional<Response> ApiExchange::finish()
{
    if (upload)
        if (auto problem = upload->finish())
            return seen_from_other_origins(api_.refuse(*this, *problem, "receive"));
    auto answer = (api_.*route->answer)(*this);
    return answer ? std::optional(seen_from_other_origins(*std::move(answer))) : std::nullopt;
}

std::optional<Response> ApiExchange::resume()
{
    auto answer = (api_.*route->go_on)(*this);
    return answer ? std::optional(seen_from_other_origins(*std::move(answer))) : std::nullopt;
}

Response ApiExchange::late() const
{
    return seen_from_other_origins(api_.problem(*this, api_.body_slow()));
}

Response ApiExchange::refused(Refusal why, const std::string &detail)
{
    return seen_from_other_origins(api_.refused(*this, why, detail));
}

void ApiExchange::completed()
{
    api_.completed(*this);
}

Api::Api(const Shared &shared)
    : shared_(shared), proxies_(shared.options.trusted_proxies), cors_(shared.options.cors_origins),
      keys_(shared.options.api_keys, shared.options.limits.rate, shared.options.limits.burst),
      limiter_(static_cast<double>(shared.options.limits.rate),
               static_cast<double>(shared.options.limits.burst)),
      log_limiter_(static_cast<double>(shared.options.limits.log_rate),
                   static_cast<double>(shared.options.limits.log_rate))
{
}

std::unique_ptr<Exchange> Api::open(RequestHead head)
{
    return std::make_unique<ApiExchange>(*this, std::move(head));
}

const std::vector<Route> &Api::routes()
{
    static const std::vector<Route> routes = {
        {"POST", "/upload", &Api::post_upload, &Api::go_on_with_upload, Route::Takes::photo},
        {"POST", "/v1/jobs", &Api::post_job, &Api::go_on_with_job, Route::Takes::photo},
        {"POST", "/v1/images/edits", &Api::post_edit, &Api::go_on_with_edit, Route::Takes::edit},
        {"GET", "/v1/jobs/{id}", &Api::get_job, &Api::go_on_with_get_job},
        {"DELETE", "/v1/jobs/{id}", &Api::delete_job, &Api::delete_job},
        {"GET", "/v1/jobs/{id}/result", &Api::get_result, &Api::get_result},
        {"GET", "/v1/jobs/{id}/events", &Api::get_events, &Api::get_events},
        {"GET", "/v1/limits", &Api::get_limits},
        {"GET", "/v1/styles", &Api::get_styles},
        {"GET", "/livez", &Api::get_live},
        {"GET", "/readyz", &Api::get_ready},
    };
    return routes;
}

namespace
{

/// Whether `path` is as `pattern`, of which {id} stands for an id.
bool matches(std::string_view pattern, std::string_view path, std::string &id)
{
    const auto variable = pattern.find("{id}");
    if (variable == std::string_view::npos)
        return path == pattern;
    const std::string_view before = pattern.substr(0, variable);
    const std::string_view after = pattern.substr(variable + 4);
    if (path.size() <= before.size() + after.size() || !path.starts_with(before) || !path.ends_with(after))
        return false;
    const std::string_view middle = path.substr(before.size(), path.size() - before.size() - after.size());
    if (!valid_id(middle))
        return false;
    id = middle;
    return true;
}

} // namespace

const Route *Api::find_route(ApiExchange &exchange, std::string &allowed)
{
    static const Route page = {"GET", "/{page}", &Api::get_page};
    const std::string method = exchange.head.method == "HEAD" ? "GET" : exchange.head.method;
    const auto allow = [&](const Route &route) {
        exchange.route = &route;
        allowed += std::string(allowed.empty() ? "" : ", ") + std::string(route.method);
        if (route.method == "GET")
            allowed += ", HEAD";
        return route.method == method;
    };
    for (const Route &route : routes())
        if (matches(route.pattern, exchange.head.path, exchange.id) && allow(route))
            return &route;
    return allowed.empty() && is_page(exchange.head.path) && allow(page) ? &page : nullptr;
}

std::optional<Response> Api::begin(ApiExchange &exchange)
{
    std::string allowed;
    const Route *route = find_route(exchange, allowed);
    if (!route && !allowed.empty() && !shared_.options.cors_origins.empty() &&
        Cors::is_preflight(exchange.head))
        return cors_.preflight(allowed);
    if (!route && !allowed.empty()) {
        Response response =
            problem(exchange, make_problem("method-not-allowed", "This method is not possible here.",
                                           "Use one of: " + allowed + "."));
        response.header("Allow", allowed);
        return response;
    }
    if (!route)
        return problem(exchange, make_problem("not-found", "There is nothing at this address.",
                                              "See /openapi.json for what there is."));
    if (exchange.head.over_connection_limit) {
        Problem too_many = make_problem("connections", "Too many connections from this client.",
                                        "Close some, or let one carry several requests.", 5);
        too_many.limit = static_cast<std::uint64_t>(shared_.options.limits.max_connections_per_client);
        return refuse(exchange, too_many, "admission");
    }
    if (auto refusal = admit_key(exchange)) {
        Response response = refuse(exchange, *refusal, "admission");
        response.header("WWW-Authenticate", "Bearer");
        return response;
    }
    if (route->takes == Route::Takes::nothing)
        return std::nullopt;
    if (auto refusal = admit(exchange))
        return refuse(exchange, *refusal, "admission");
    if (auto refusal = prepare_upload(exchange))
        return refuse(exchange, *refusal, "admission");
    return std::nullopt;
}

Response Api::problem(const ApiExchange &exchange, const Problem &problem) const
{
    const std::string instance =
        exchange.job.empty() ? "urn:request:" + exchange.head.id : "/v1/jobs/" + exchange.job;
    Response response = problem_response(problem, exchange.head.id, instance);
    if (exchange.route && exchange.route->takes == Route::Takes::edit) {
        // OpenAI's clients look for their own form of it.
        nlohmann::ordered_json body = to_json(problem, exchange.head.id, instance);
        body["error"] = {{"message", problem.message + " " + problem.remedy},
                         {"type", problem.status < 500 ? "invalid_request_error" : "server_error"},
                         {"code", problem.code},
                         {"param", nullptr}};
        response.body = dump(body) + "\n";
    }
    return response;
}

Response Api::refuse(const ApiExchange &exchange, const Problem &refusal, const std::string &stage) const
{
    log_refusal(exchange, refusal, stage);
    return problem(exchange, refusal);
}

Response Api::refused(const ApiExchange &exchange, Refusal why, const std::string &detail) const
{
    const auto as = [&](const char *code, const char *remedy) {
        return refuse(exchange, make_problem(code, detail, remedy, 5), "receive");
    };
    switch (why) {
    case Refusal::framing:
        return as("header-invalid", "Send one Content-Length, or Transfer-Encoding: chunked over HTTP/1.1.");
    case Refusal::host:
        return as("header-invalid", "Send one Host header, with the name that the address has.");
    case Refusal::target:
        return as("target-too-long", "Send options as fields of the form; see /v1/limits for what there is.");
    case Refusal::failure:
        break;
    }
    return as("service-failed", "Try again in a moment; if it stays so, tell the operator the request id.");
}

} // namespace anime::service
