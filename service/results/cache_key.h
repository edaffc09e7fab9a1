// SPDX-License-Identifier: LGPL-2.1-or-later
// Under which name a finished picture is kept: equal for everything that makes an equal picture.
#pragma once

#include "service/picture.h"

#include <string>

namespace anime::service
{

/// Hex SHA-256 over the input's digest, that of what paints it (EngineFacts) and every option.
std::string cache_key(const std::string &input_sha256, const std::string &painter_digest,
                      const PaintOptions &options);

} // namespace anime::service
