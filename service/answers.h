// SPDX-License-Identifier: LGPL-2.1-or-later
// Answers over HTTP in JSON: documents, problems, and a picture within one.
#pragma once

#include "service/http/response.h"
#include "service/picture.h"
#include "service/problem.h"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace anime::service
{

Response json_response(int status, const nlohmann::ordered_json &body);
/// `object` with the picture in base64 in place of its closing brace, between `before` and `after`.
Response json_with_picture(const nlohmann::ordered_json &object, const std::string &before,
                           const PicturePtr &picture, const std::string &after);
Response problem_response(const Problem &problem, const std::string &request_id, const std::string &instance);

} // namespace anime::service
