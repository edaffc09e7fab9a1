// SPDX-License-Identifier: LGPL-2.1-or-later
// An answer that isn't a picture: RFC 9457 problem details with a stable code.
#pragma once

#include "elements/common/failure.h"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace anime::service
{

struct Problem : Failure {
    int status = 500;
    int retry_after = 0; ///< seconds; 0: no Retry-After header
};

/// The HTTP status that belongs to a code of an element, the runner or the service; 500 for one that is
/// unknown. docs/service.md lists them.
int status_of(const std::string &code);

/// With the status of its code; 503 and 429 get a Retry-After of `retry_after` seconds.
Problem make_problem(const Failure &failure, int retry_after = 1);
Problem make_problem(const std::string &code, const std::string &message, const std::string &remedy,
                     int retry_after = 1);

/// Of the exception that is being handled, which nobody foresaw where a photo is painted.
struct Unforeseen {
    Problem problem;
    std::string reason; ///< for the log
};
Unforeseen unforeseen_failure();

/// What new work is answered while the service drains.
Problem draining_problem();

nlohmann::ordered_json to_json(const Problem &problem, const std::string &request_id,
                               const std::string &instance);

} // namespace anime::service
