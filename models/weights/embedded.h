// SPDX-License-Identifier: LGPL-2.1-or-later
// The files that are part of the library: the models that need no download, and the catalogue.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace anime
{

/// models/weights/*.safetensors, the default first; empty where the build had none.
std::vector<std::span<const std::byte>> embedded_models();

/// models/weights/catalogue.json.
std::span<const std::byte> embedded_catalogue();

} // namespace anime
