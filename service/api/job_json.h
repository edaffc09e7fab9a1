// SPDX-License-Identifier: LGPL-2.1-or-later
// A job as clients see it.
#pragma once

#include "service/jobs/job.h"

#include <nlohmann/json_fwd.hpp>

namespace anime::service
{

/// The Job of openapi.json.
nlohmann::ordered_json to_json(const JobView &job);

/// Stages and their milliseconds as a Server-Timing header.
std::string server_timing(const Timings &timings);

/// `"…"`, from the cache key: equal pictures have equal tags.
std::string etag_of(const JobView &job);

} // namespace anime::service
