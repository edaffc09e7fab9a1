// SPDX-License-Identifier: LGPL-2.1-or-later
// Files that are compiled into the program: the page, the API's description, a photo to warm up with.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace anime::service
{

/// A file by its path, "/openapi.json"; lives as long as the process. Throws std::runtime_error.
std::string_view resource(const std::string &path);

/// Paths of all files.
std::vector<std::string> resource_paths();

} // namespace anime::service
