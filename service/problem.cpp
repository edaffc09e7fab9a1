// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/problem.h"

#include "service/http/response.h"

#include <nlohmann/json.hpp>

#include <exception>
#include <map>
#include <new>
#include <string_view>

namespace anime::service
{

int status_of(const std::string &code)
{
    static const std::map<std::string_view, int> statuses = {
#define ANIME_ERROR(name, domain, number, status, sentence) {name, status},
#include "elements/common/errors.def"
#undef ANIME_ERROR
    };
    if (const auto found = statuses.find(code); found != statuses.end() && found->second > 0)
        return found->second;
    // stream-…: a stock element of an operator's own description could not read the photo.
    if (code.starts_with("stream-"))
        return 422;
    // What GStreamer itself has no further word for: this side's trouble, and perhaps a passing one.
    if (code.starts_with("core-") || code.starts_with("library-") || code.starts_with("resource-"))
        return 503;
    return 500;
}

Problem make_problem(const Failure &failure, int retry_after)
{
    Problem problem{failure};
    problem.status = status_of(failure.code);
    if (problem.status == 429 || problem.status == 503)
        problem.retry_after = retry_after;
    return problem;
}

Problem make_problem(const std::string &code, const std::string &message, const std::string &remedy,
                     int retry_after)
{
    return make_problem(Failure{code, message, remedy, {}, {}, {}}, retry_after);
}

Unforeseen unforeseen_failure()
{
    std::string reason = "an exception of no known kind";
    try {
        throw;
    } catch (const std::bad_alloc &) {
        return {make_problem("out-of-memory", "The service ran out of memory.",
                             "Try again in a moment, or send a smaller photo.", 5),
                "out of memory"};
    } catch (const std::exception &error) {
        reason = error.what();
    } catch (...) {
    }
    return {make_problem("service-failed", "The service could not paint this photo.",
                         "Try again in a moment; if it stays so, tell the operator the request id.", 5),
            reason};
}

Problem draining_problem()
{
    return make_problem("draining", "The service is about to stop and takes no new work.",
                        "Try again in a moment.", 5);
}

nlohmann::ordered_json to_json(const Problem &problem, const std::string &request_id,
                               const std::string &instance)
{
    nlohmann::ordered_json json = {
        {"type", "urn:gst-anime:problem:" + problem.code},
        {"title", reason_phrase(problem.status)},
        {"status", problem.status},
        {"detail", problem.message},
        {"remedy", problem.remedy},
        {"code", problem.code},
        {"request_id", request_id},
        {"instance", instance},
    };
    if (problem.limit)
        json["limit"] = *problem.limit;
    if (problem.actual)
        json["actual"] = *problem.actual;
    if (problem.retry_after > 0)
        json["retry_after"] = problem.retry_after;
    return json;
}

} // namespace anime::service
