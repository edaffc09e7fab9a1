// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/problem.h"

#include "service/http/response.h"

#include <nlohmann/json.hpp>

#include <map>

namespace anime::service
{

int status_of(const std::string &code)
{
    // Codes of the elements first, then the runner's, then the service's own.
    static const std::map<std::string, int> statuses = {
        {"size-bytes", 413},
        {"format-unsupported", 415},
        {"out-of-memory", 503},
        {"model-missing", 503},
        {"model-invalid", 503},
        {"model-unsupported", 503},
        {"executor-missing", 503},
        {"device-missing", 503},
        {"device-lost", 503},
        {"precision-unsupported", 503},
        {"cancelled", 410},
        {"deadline", 504},
        {"stuck", 504},
        {"no-output", 422},
        {"failed", 503},
        {"internal", 503},
        {"request-invalid", 400},
        {"option-invalid", 400},
        {"multipart-invalid", 400},
        {"file-missing", 400},
        {"file-empty", 400},
        {"header-invalid", 400},
        {"key-missing", 401},
        {"key-invalid", 401},
        {"share-full", 429},
        {"not-found", 404},
        {"job-not-found", 404},
        {"method-not-allowed", 405},
        {"not-acceptable", 406},
        {"target-too-long", 414},
        {"body-slow", 408},
        {"job-not-finished", 409},
        {"job-finished", 409},
        {"job-cancelled", 410},
        {"result-expired", 410},
        {"media-type", 415},
        {"idempotency-mismatch", 422},
        {"rate", 429},
        {"connections", 429},
        {"queue-full", 503},
        {"broker-gone", 503},
        {"broker-full", 503},
        {"worker-lost", 503},
        {"uploads-full", 503},
        {"sending-full", 503},
        {"memory", 503},
        {"draining", 503},
        {"not-ready", 503},
        {"service-failed", 503},
    };
    if (const auto found = statuses.find(code); found != statuses.end())
        return found->second;
    // stream-…: a stock element of an operator's own description could not read the photo.
    if (code.starts_with("image-") || code.starts_with("size-") || code.starts_with("stream-"))
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
