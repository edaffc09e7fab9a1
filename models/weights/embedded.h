// SPDX-License-Identifier: LGPL-2.1-or-later
// The files that are part of the library: the default model and the catalogue.
#pragma once

#include <cstddef>
#include <span>

namespace anime
{

/// models/weights/default.safetensors.
std::span<const std::byte> embedded_model();

/// models/weights/catalogue.json.
std::span<const std::byte> embedded_catalogue();

} // namespace anime
