// SPDX-License-Identifier: LGPL-2.1-or-later
// Just enough of PNG, JPEG and WebP to know how large a test picture is and whether a JPEG is all there; the
// tests compare what the project makes of a picture with this.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace anime::test
{

struct Size {
    int width = 0;
    int height = 0;
    bool operator==(const Size &) const = default;
};

std::vector<std::uint8_t> read_file(const std::filesystem::path &path);

/// From the header; nothing where it has none.
std::optional<Size> header_size(const std::vector<std::uint8_t> &file);

/// Has it a frame header, and does it end with the end-of-image marker?
bool is_whole_jpeg(const std::vector<std::uint8_t> &file);

} // namespace anime::test
