// SPDX-License-Identifier: LGPL-2.1-or-later
// The files that are part of the library: the styles that need no download, and the catalogue. The build
// writes the source (models/weights/embed).
#pragma once

#include "models/api.h"

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace anime
{

struct EmbeddedStyle {
    std::string_view name;
    std::span<const std::byte> file; ///< .safetensors
};

/// In the order of the catalogue, less those that the build was told to leave out.
ANIME_API std::vector<EmbeddedStyle> embedded_models();

/// models/weights/catalogue.json.
std::span<const std::byte> embedded_catalogue();

} // namespace anime
