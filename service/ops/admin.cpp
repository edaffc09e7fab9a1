// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/ops/admin.h"

#include "service/answers.h"

#include <nlohmann/json.hpp>

namespace anime::service
{

class AdminExchange final : public Exchange
{
public:
    AdminExchange(Admin &admin, RequestHead head) : Exchange(std::move(head)), admin_(admin) {}

    std::optional<Response> begin() override
    {
        if (head.method == "GET" || head.method == "HEAD")
            return std::nullopt;
        Response response = problem(make_problem("method-not-allowed", "This method is not possible here.",
                                                 "Use one of: GET, HEAD."));
        response.header("Allow", "GET, HEAD");
        return response;
    }

    std::optional<Response> finish() override
    {
        if (head.path == "/metrics") {
            Response response;
            response.header("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
            response.header("Cache-Control", "no-store");
            response.body = admin_.metrics_.text(admin_.gauges_());
            return response;
        }
        if (head.path == "/livez")
            return json_response(200, {{"status", "alive"}});
        if (head.path == "/readyz") {
            const std::string reason = admin_.not_ready_();
            if (reason.empty())
                return json_response(200, {{"status", "ready"}});
            return problem(make_problem(reason, "The service takes no work now.", "Try again later.", 2));
        }
        return problem(make_problem("not-found", "There is nothing at this address.",
                                    "Use /metrics, /livez or /readyz."));
    }

    Response late() const override
    {
        return problem(make_problem("body-slow", "The request took too long to arrive.", "Send it faster."));
    }

    Response refused(Refusal why, const std::string &detail) override
    {
        return problem(why == Refusal::failure
                           ? make_problem("service-failed", detail, "Try again in a moment.", 5)
                           : make_problem("header-invalid", detail, "Send a plain GET."));
    }

    void completed() override {}

private:
    Response problem(const Problem &problem) const
    {
        return problem_response(problem, head.id, "urn:request:" + head.id);
    }

    Admin &admin_;
};

Admin::Admin(Metrics &metrics, std::function<Gauges()> gauges, std::function<std::string()> not_ready)
    : metrics_(metrics), gauges_(std::move(gauges)), not_ready_(std::move(not_ready))
{
}

std::unique_ptr<Exchange> Admin::open(RequestHead head)
{
    return std::make_unique<AdminExchange>(*this, std::move(head));
}

} // namespace anime::service
