// SPDX-License-Identifier: LGPL-2.1-or-later
// JSON as text.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace anime::service
{

/// In one line. What came from a client may be no UTF-8: such bytes are replaced, so that it never throws.
template <typename Json>
std::string dump(const Json &json)
{
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace anime::service
