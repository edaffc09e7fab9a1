// SPDX-License-Identifier: LGPL-2.1-or-later
// What is known of a picture, as it is kept beside it.
#pragma once

#include "service/picture.h"

#include <nlohmann/json_fwd.hpp>

namespace anime::service
{

nlohmann::json to_json(const PictureInfo &info);
/// Throws nlohmann::json::exception.
PictureInfo picture_info_of(const nlohmann::json &json);

nlohmann::json to_json(const PaintOptions &options);
/// Throws nlohmann::json::exception.
PaintOptions paint_options_of(const nlohmann::json &json);

} // namespace anime::service
