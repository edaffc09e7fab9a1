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
            .debug = what};
}

Failure truncated_image(const std::string &format, std::uint64_t bytes, const std::string &debug)
{
    return {.code = "image-truncated",
            .message = "The " + format + (format.empty() ? "" : " ") +
                       "image ends before it is complete, after " + std::to_string(bytes) + " bytes.",
            .remedy = "Send the whole file again.",
            .debug = debug};
}

std::optional<Failure> check_picture_size(Size picture, const Limits &limits)
{
    const std::uint64_t pixels = std::uint64_t{picture.width} * picture.height;
    const std::string size = std::to_string(picture.width) + "×" + std::to_string(picture.height);
    if (Limits::exceeds(pixels, limits.max_source_pixels))
        return Failure{.code = "size-pixels",
                       .message = "The image has " + in_millions(pixels) + " pixels (" + size +
                                  "), and the limit is " + in_millions(limits.max_source_pixels) + ".",
                       .remedy = "Scale it down before sending it.",
                       .debug = "max-source-pixels",
                       .limit = limits.max_source_pixels,
                       .actual = pixels};
    const unsigned longest = std::max(picture.width, picture.height);
    if (limits.reject_oversize && Limits::exceeds(longest, limits.max_dimension))
        return Failure{.code = "size-dimension",
                       .message = "The image is " + size + " pixels large, and the longest side may have " +
                                  std::to_string(limits.max_dimension) + ".",
                       .remedy = "Scale it down before sending it.",
                       .debug = "max-dimension, action=reject",
                       .limit = limits.max_dimension,
                       .actual = longest};
    return {};
}

std::optional<Failure> Scanner::check_size() const
{
    if (facts_.width == 0 || facts_.height == 0)
        return corrupt("its header declares a size of " + std::to_string(facts_.width) + "×" +
                       std::to_string(facts_.height));
    return check_picture_size({facts_.width, facts_.height}, limits_);
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

void Scanner::keep(ByteRange range)
{
    auto &ranges = facts_.decode;
    if (!ranges.empty() && ranges.back().end == range.begin)
        ranges.back().end = range.end;
    else
        ranges.push_back(range);
}

} // namespace anime
