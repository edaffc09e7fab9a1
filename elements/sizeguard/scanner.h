// SPDX-License-Identifier: LGPL-2.1-or-later
// Walks an encoded image while its bytes arrive, without decoding: declared size, scans, memory that decoding
// will take, checksums, and where the image ends. Every verdict falls at the first byte that justifies it,
// whatever the size of the pieces.
#pragma once

#include "elements/common/failure.h"
#include "elements/sizeguard/image_limits.h"
#include "elements/sizeguard/png_colours.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace anime
{

using Bytes = std::span<const std::uint8_t>;

struct ByteRange {
    std::size_t begin = 0;
    std::size_t end = 0;
};

/// What an image ends with.
enum class Ending {
    marker,       ///< its own last marker or chunk
    end_of_file,  ///< the file ends without it
    foreign_data, ///< something that is no part of the image follows without it
};

/// What is known of the image so far; zero means "not yet".
struct ImageFacts {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    unsigned channels = 0;
    int orientation = 1;            ///< EXIF, 1 to 8
    unsigned scans = 0;             ///< JPEG
    bool buffered = false;          ///< can't be decoded line by line
    std::uint64_t memory = 0;       ///< bytes that the decoder holds at once because of that
    std::size_t end = 0;            ///< the image's own length; what follows is not looked at
    Ending ending = Ending::marker; ///< of the others only decoding tells whether all of the picture is there
    std::vector<ByteRange> decode;  ///< the bytes to give to the decoder, in order; few
    std::vector<ByteRange> profile; ///< JPEG: the pieces of its ICC profile, in order; PNG: its chunk
    bool has_profile = false;
    PngColours png;
};

/// Judges a picture of any kind by its size: size-pixels, size-dimension.
std::optional<Failure> check_picture_size(Size size, const Limits &limits);

Failure corrupt_image(const std::string &format, const std::string &what);
Failure truncated_image(const std::string &format, std::uint64_t bytes, const std::string &debug);

class Scanner
{
public:
    Scanner(const char *format, const Limits &limits) : format_(format), limits_(limits) {}
    virtual ~Scanner() = default;
    Scanner(const Scanner &) = delete;
    Scanner &operator=(const Scanner &) = delete;

    /// Goes on with `bytes`, the image from its first byte to the last that has arrived.
    virtual std::optional<Failure> advance(Bytes bytes) = 0;

    /// No more bytes come. An image that lacks its end is complete all the same if it may hold all of the
    /// picture: cameras, proxies and editors forget the last marker, and every viewer shows what they leave.
    virtual void end_of_file(Bytes bytes) = 0;

    const ImageFacts &facts() const { return facts_; }
    bool complete() const { return facts_.end != 0; }

protected:
    /// Judges facts_.width and height once they are set, and facts_.memory.
    std::optional<Failure> check_size() const;
    std::optional<Failure> check_memory() const;
    /// Adds to facts_.decode.
    void keep(ByteRange range);
    Failure corrupt(const std::string &what) const { return corrupt_image(format_, what); }

    const char *const format_;
    const Limits limits_;
    ImageFacts facts_;
    std::size_t position_ = 0; ///< the first byte not yet judged
};

std::unique_ptr<Scanner> new_jpeg_scanner(const Limits &limits);
std::unique_ptr<Scanner> new_png_scanner(const Limits &limits);
std::unique_ptr<Scanner> new_webp_scanner(const Limits &limits);

inline std::uint32_t big_endian_16(Bytes b, std::size_t at)
{
    return static_cast<std::uint32_t>(b[at]) << 8 | b[at + 1];
}
inline std::uint32_t big_endian_32(Bytes b, std::size_t at)
{
    return big_endian_16(b, at) << 16 | big_endian_16(b, at + 2);
}
inline std::uint32_t little_endian_16(Bytes b, std::size_t at)
{
    return static_cast<std::uint32_t>(b[at + 1]) << 8 | b[at];
}
inline std::uint32_t little_endian_32(Bytes b, std::size_t at)
{
    return little_endian_16(b, at + 2) << 16 | little_endian_16(b, at);
}

} // namespace anime
