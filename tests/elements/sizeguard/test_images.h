// SPDX-License-Identifier: LGPL-2.1-or-later
// Images made for a test: small, of known colours, whole or broken in a known way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace anime::test
{

using Data = std::vector<std::uint8_t>;

struct Spec {
    std::string suffix = ".jpg"; ///< libvips' name for the format, with options: ".jpg[interlace]"
    int width = 64;
    int height = 48;
    int bands = 3;        ///< 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA
    bool sixteen = false; ///< 16 bits a sample
    bool cmyk = false;
    int orientation = 1;
};

/// The left top quarter is red, the right top green, the left bottom blue, the right bottom white; of grey
/// images 50, 100, 150, 200. Alpha is 0 in the right bottom quarter and 255 elsewhere.
Data make_image(const Spec &spec);

/// `width` × `height` of one colour, which compresses to almost nothing: a bomb.
Data make_flat(const std::string &suffix, int width, int height);

/// An animation of a red frame and a green one.
Data make_animation();

/// An EXIF block that says nothing else.
Data exif_with(int orientation);

/// A PNG chunk with its length and checksum.
Data png_chunk(const std::string &type, const Data &payload);
/// Signature and header only.
Data png_header(std::uint32_t width, std::uint32_t height, int depth, int colour_type, int interlace = 0);

/// `jpeg` with `markers` behind its start.
Data with_markers(const Data &jpeg, const Data &markers);
Data jpeg_marker(int code, const Data &payload);

/// A chunk of a WebP; that with the picture of a lossless one; an animation of `frames` red dots.
Data webp_chunk(const std::string &name, const Data &payload);
Data picture_of(const Data &webp);
Data make_dots(std::size_t frames);

/// An ICC profile that swaps red and green, and has one more tag where `tag` is not empty.
Data swapping_profile(const std::string &tag = "", const Data &value = {});

/// A JPEG header that declares this size, followed by no picture.
Data jpeg_header(unsigned width, unsigned height, int sof = 0xc0, int components = 3, int precision = 8);

/// `jpeg` with its only scan repeated `scans` times in all.
Data with_scans(const Data &jpeg, unsigned scans);

Data operator+(Data a, const Data &b);
Data bytes_of(const std::string &text);
Data truncated(const Data &data, std::size_t size);
Data overwritten(Data data, std::size_t offset, const Data &with);
std::size_t find(const Data &data, const Data &what, std::size_t from = 0);

} // namespace anime::test
