// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/pipelines/image_header.h"

#include <fstream>
#include <iterator>
#include <string_view>

namespace anime::test
{

namespace
{

using File = std::vector<std::uint8_t>;

int big_endian(const File &file, std::size_t at, int bytes)
{
    int value = 0;
    for (int i = 0; i < bytes; ++i)
        value = value * 256 + file[at + i];
    return value;
}

int little_endian(const File &file, std::size_t at, int bytes)
{
    int value = 0;
    for (int i = bytes; i-- > 0;)
        value = value * 256 + file[at + i];
    return value;
}

bool has(const File &file, std::size_t at, std::string_view text)
{
    return file.size() >= at + text.size() &&
           std::equal(text.begin(), text.end(), file.begin() + at,
                      [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
}

std::optional<Size> jpeg_size(const File &file)
{
    for (std::size_t at = 2; at + 9 < file.size() && file[at] == 0xff;) {
        const int marker = file[at + 1];
        // Start of frame, but not DHT, JPG and DAC, whose numbers lie among them.
        if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc)
            return Size{big_endian(file, at + 7, 2), big_endian(file, at + 5, 2)};
        at += 2 + big_endian(file, at + 2, 2);
    }
    return std::nullopt;
}

std::optional<Size> webp_size(const File &file)
{
    if (has(file, 12, "VP8X"))
        return Size{little_endian(file, 24, 3) + 1, little_endian(file, 27, 3) + 1};
    if (has(file, 12, "VP8L")) {
        const int bits = little_endian(file, 21, 3);
        const int rest = little_endian(file, 22, 3);
        return Size{(bits & 0x3fff) + 1, ((rest >> 6) & 0x3fff) + 1};
    }
    if (has(file, 12, "VP8 "))
        return Size{little_endian(file, 26, 2) & 0x3fff, little_endian(file, 28, 2) & 0x3fff};
    return std::nullopt;
}

} // namespace

std::vector<std::uint8_t> read_file(const std::filesystem::path &path)
{
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::optional<Size> header_size(const File &file)
{
    if (file.size() < 30)
        return std::nullopt;
    if (has(file, 1, "PNG"))
        return Size{big_endian(file, 16, 4), big_endian(file, 20, 4)};
    if (has(file, 0, "\xff\xd8"))
        return jpeg_size(file);
    if (has(file, 8, "WEBP"))
        return webp_size(file);
    return std::nullopt;
}

bool is_whole_jpeg(const File &file)
{
    return jpeg_size(file) && file[file.size() - 2] == 0xff && file[file.size() - 1] == 0xd9;
}

} // namespace anime::test
