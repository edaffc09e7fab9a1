// SPDX-License-Identifier: LGPL-2.1-or-later
// openapi.json, and whether an answer keeps to it.
#pragma once

#include "tests/service/http_client.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace anime::service
{

/// What is wrong with the answer by openapi.json: empty if it is as documented.
std::string breach(const std::string &method, const std::string &path, const Answer &answer);

/// Method and path of every documented operation, with "none" for an id.
std::vector<std::pair<std::string, std::string>> documented_operations();

/// "GET /v1/limits 200" for every documented answer, and for those that breach() has seen.
std::set<std::string> documented_answers();
const std::set<std::string> &seen_answers();

} // namespace anime::service
