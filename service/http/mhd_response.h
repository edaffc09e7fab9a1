// SPDX-License-Identifier: LGPL-2.1-or-later
// Hands a Response to libmicrohttpd.
#pragma once

#include "service/http/connections.h"
#include "service/http/response.h"
#include "service/http/wall.h"

#include <functional>
#include <memory>

namespace anime::service
{

/// 0 for events, whose length nobody knows.
std::uint64_t body_size(const Response &response);

/// What an answer needs that is made while it is sent.
struct Sending {
    std::shared_ptr<Suspension> suspension; ///< on which events sleep in between
    std::function<bool()> gone;             ///< whether the client hung up, which ends events
    Complain complain;                      ///< of an exception, which ends the answer
};

/// Returns an MHD_Result.
int queue_response(MHD_Connection *connection, Response &&response, Sending sending);

} // namespace anime::service
