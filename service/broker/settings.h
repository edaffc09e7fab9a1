// SPDX-License-Identifier: LGPL-2.1-or-later
// From the options to what the connection wants.
#pragma once

#include "service/broker/connection.h"
#include "service/ops/options.h"

namespace anime::service::broker
{

/// `program` shows at the broker, and its answers come below _INBOX_PROGRAM.
ConnectionSettings connection_settings(const Options &options, const std::string &program);

/// HOST-PID: for states and logs.
std::string process_name();

} // namespace anime::service::broker
