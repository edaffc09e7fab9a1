// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/admin.h"

#include <nlohmann/json.hpp>

namespace anime::service
{

Admin::Admin(Metrics &metrics, std::function<Gauges()> gauges, std::function<std::string()> not_ready)
    : metrics_(metrics), gauges_(std::move(gauges)), not_ready_(std::move(not_ready))
{
}

std::optional<Response> Admin::begin(Exchange &exchange)
{
    if (exchange.method != "GET" && exchange.method != "HEAD")
        return refused(exchange,
                       make_problem("method-not-allowed", "This method is not possible here.", "Use GET."));
    return std::nullopt;
}

std::optional<Response> Admin::finish(Exchange &exchange)
{
    if (exchange.path == "/metrics") {
        Response response;
        response.header("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
        response.header("Cache-Control", "no-store");
        response.body = metrics_.text(gauges_());
        return response;
    }
    if (exchange.path == "/livez")
        return json_response(200, {{"status", "alive"}});
    if (exchange.path == "/readyz") {
        const std::string reason = not_ready_();
        if (reason.empty())
            return json_response(200, {{"status", "ready"}});
        return refused(exchange,
                       make_problem(reason, "The service takes no work now.", "Try again later.", 2));
    }
    return refused(exchange, make_problem("not-found", "There is nothing at this address.",
                                          "Use /metrics, /livez or /readyz."));
}

Response Admin::late(const Exchange &exchange)
{
    return refused(exchange,
                   make_problem("body-slow", "The request took too long to arrive.", "Send it faster."));
}

Response Admin::refused(const Exchange &exchange, const Problem &problem)
{
    Response response = problem_response(problem, exchange.request_id, "urn:request:" + exchange.request_id);
    for (auto &[name, value] : common_headers(exchange.request_id))
        response.header(name, value);
    return response;
}

} // namespace anime::service
