// SPDX-License-Identifier: LGPL-2.1-or-later
// What the server remembers of a request: the parts of HttpServer share it.
#pragma once

#include "service/http/server.h"

#include <glib.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

namespace anime::service
{

struct HttpServer::Request {
    std::unique_ptr<Exchange> exchange;
    Connection *connection = nullptr;
    std::optional<Response> early;                    ///< answers the request whatever its body is
    bool refused = false;                             ///< that was sent already
    bool begun = false;                               ///< the request was complete
    bool finished = false;                            ///< Exchange::finish() was asked
    std::chrono::steady_clock::time_point drained_by; ///< since it was refused
    std::uint64_t drained = 0;

    bool waits_for_continue() const
    {
        return g_ascii_strcasecmp(exchange->head.header("expect").c_str(), "100-continue") == 0;
    }
};

} // namespace anime::service
