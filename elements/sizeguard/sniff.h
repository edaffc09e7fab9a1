// SPDX-License-Identifier: LGPL-2.1-or-later
// What a file is, told from its first bytes. Names, extensions and Content-Type headers are never asked.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace anime
{

/// The formats that sizeguard can decode. The values are bits, so that a set of them is a number.
enum ImageFormat : unsigned { IMAGE_NONE = 0, IMAGE_JPEG = 1, IMAGE_PNG = 2, IMAGE_WEBP = 4 };

constexpr unsigned ALL_IMAGE_FORMATS = IMAGE_JPEG | IMAGE_PNG | IMAGE_WEBP;

/// "JPEG", "PNG" or "WebP"; of a set, the names with commas between them.
std::string format_names(unsigned formats);

struct Sniffed {
    bool undecided = false; ///< all bytes so far fit one of the formats, but there are too few of them
    ImageFormat format = IMAGE_NONE; ///< IMAGE_NONE: none of them
    const char *looks_like = "";     ///< if none of them: what people call it, "a GIF image", "text", …
    const char *remedy = ""; ///< what to do about it, where more can be said than to send another format
};

/// Judges the first bytes of a file. 12 bytes always decide; some more make a better name for what is not an
/// image.
Sniffed sniff(std::span<const std::uint8_t> head);

} // namespace anime
