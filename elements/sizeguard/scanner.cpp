// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/sizeguard/scanner.h"

#include <algorithm>
#include <cstdio>

namespace anime
{

namespace
{

/// "12.3 million", of 12345678.
std::string in_millions(std::uint64_t pixels)
{
    char text[32];
    std::snprintf(text, sizeof text, "%.1f million", static_cast<double>(pixels) / 1e6);
    return text;
}

} // namespace

Failure corrupt_image(const std::string &format, const std::string &what)
{
    return {.code = "image-corrupt",
            .message = "The " + format + " image is damaged: " + what + ".",
            .remedy = "Open it in an image editor and save it again, or send another copy.",
            .debug = what,
            .limit = {},
            .actual = {}};
}

std::optional<Failure> Scanner::check_size() const
{
    const std::uint64_t width = facts_.width;
    const std::uint64_t height = facts_.height;
    const std::string size = std::to_string(width) + "×" + std::to_string(height);
    if (width == 0 || height == 0)
        return corrupt("its header declares a size of " + size);
    if (Limits::exceeds(width * height, limits_.max_source_pixels))
        return Failure{.code = "size-pixels",
                       .message = "The image has " + in_millions(width * height) + " pixels (" + size +
                                  "), and the limit is " + in_millions(limits_.max_source_pixels) + ".",
                       .remedy = "Scale it down before sending it.",
                       .debug = "max-source-pixels",
                       .limit = limits_.max_source_pixels,
                       .actual = width * height};
    const std::uint64_t longest = std::max(width, height);
    if (limits_.reject_oversize && Limits::exceeds(longest, limits_.max_dimension))
        return Failure{.code = "size-dimension",
                       .message = "The image is " + size + " pixels large, and the longest side may have " +
                                  std::to_string(limits_.max_dimension) + ".",
                       .remedy = "Scale it down before sending it.",
                       .debug = "max-dimension, action=reject",
                       .limit = limits_.max_dimension,
                       .actual = longest};
    return {};
}

std::optional<Failure> Scanner::check_memory() const
{
    if (!Limits::exceeds(facts_.memory, limits_.max_memory))
        return {};
    return Failure{.code = "size-memory",
                   .message = "Decoding this kind of image needs " + std::to_string(facts_.memory >> 20) +
                              " MiB of memory, and the limit is " + std::to_string(limits_.max_memory >> 20) +
                              " MiB.",
                   .remedy = "Save it as a baseline JPEG or a PNG without interlacing, or scale it down.",
                   .debug = "max-memory",
                   .limit = limits_.max_memory,
                   .actual = facts_.memory};
}

} // namespace anime
