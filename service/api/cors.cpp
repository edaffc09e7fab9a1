// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/api/cors.h"

#include <algorithm>

namespace anime::service
{

bool Cors::is_preflight(const RequestHead &head)
{
    return head.method == "OPTIONS" && head.headers.contains("origin") &&
           head.headers.contains("access-control-request-method");
}

Response Cors::preflight(const std::string &methods) const
{
    Response response;
    response.status = 204;
    response.header("Access-Control-Allow-Methods", methods);
    response.header("Access-Control-Allow-Headers",
                    "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, Prefer, "
                    "X-API-Key, X-Request-ID");
    response.header("Access-Control-Max-Age", "600");
    return response;
}

void Cors::add_headers(const RequestHead &head, Response &response) const
{
    if (origins_.empty())
        return;
    const bool all = std::find(origins_.begin(), origins_.end(), "*") != origins_.end();
    if (!all)
        response.header("Vary", "Origin");
    const std::string origin = head.header("origin");
    if (origin.empty() || (!all && std::find(origins_.begin(), origins_.end(), origin) == origins_.end()))
        return;
    // No Access-Control-Allow-Credentials: keys are in a header, and there are no cookies.
    response.header("Access-Control-Allow-Origin", all ? "*" : origin);
    response.header(
        "Access-Control-Expose-Headers",
        "ETag, Location, Preference-Applied, Retry-After, Server-Timing, WWW-Authenticate, X-Cache, "
        "X-Processed-Size, X-Request-ID, X-Source-Size");
}

} // namespace anime::service
