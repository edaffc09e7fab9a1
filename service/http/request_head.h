// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads a request's head, and says what is wrong with it.
#pragma once

#include "service/http/exchange.h"

#include <string>
#include <string_view>

struct MHD_Connection;

namespace anime::service
{

struct ReadHead {
    RequestHead head; ///< all but who sent it
    /// What a proxy in front could read as another request than libmicrohttpd does (RFC 9112, 6.3); empty:
    /// nothing.
    std::string framing_fault;
    bool two_hosts = false;
};

/// What libmicrohttpd has read.
ReadHead read_head(MHD_Connection *connection, const char *url, const char *method, const char *version);

/// Why a target, as it was sent, is not read any further; empty: it is. After libmicrohttpd has taken it
/// apart it would be too late.
std::string target_fault(std::string_view target);

/// Of a request whose target isn't read.
RequestHead head_of_target(std::string_view target);

} // namespace anime::service
