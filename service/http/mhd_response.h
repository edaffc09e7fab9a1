// SPDX-License-Identifier: LGPL-2.1-or-later
// Hands a Response to libmicrohttpd.
#pragma once

#include "service/http/connections.h"
#include "service/http/response.h"

#include <functional>
#include <memory>

namespace anime::service
{

/// 0 for events, whose length nobody knows.
std::uint64_t body_size(const Response &response);

/// Events sleep on `suspension` in between, and end when `gone`. Returns an MHD_Result.
int queue_response(MHD_Connection *connection, const Response &response,
                   const std::shared_ptr<Suspension> &suspension, std::function<bool()> gone);

} // namespace anime::service
