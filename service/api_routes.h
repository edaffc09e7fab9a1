// SPDX-License-Identifier: LGPL-2.1-or-later
// Shared by the files that implement Api.
#pragma once

#include "service/api.h"

#include <string_view>

namespace anime::service
{

struct Api::Route {
    std::string_view method;
    std::string_view pattern;
    std::optional<Response> (Api::*answer)(ApiExchange &exchange, const std::string &id);
};

/// Whether there is a file of the web page, or openapi.json, at `path`.
bool is_page(const std::string &path);

} // namespace anime::service
