// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/answers.h"

#include "service/json_text.h"

#include <nlohmann/json.hpp>

namespace anime::service
{

Response json_response(int status, const nlohmann::ordered_json &body)
{
    Response response;
    response.status = status;
    response.header("Content-Type", "application/json");
    response.header("Cache-Control", "no-store");
    response.body = dump(body) + "\n";
    return response;
}

Response json_with_picture(const nlohmann::ordered_json &object, const std::string &before,
                           const PicturePtr &picture, const std::string &after)
{
    std::string text = dump(object);
    text.pop_back();
    Response response = json_response(200, {});
    response.body = Base64Body{text + before, {picture, picture->data.get()}, after};
    return response;
}

Response problem_response(const Problem &problem, const std::string &request_id, const std::string &instance)
{
    Response response = json_response(problem.status, to_json(problem, request_id, instance));
    response.headers.front().second = "application/problem+json";
    if (problem.retry_after > 0)
        response.header("Retry-After", std::to_string(problem.retry_after));
    response.code = problem.code;
    return response;
}

} // namespace anime::service
