// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/elements/sizeguard/test_images.h"

#include "elements/sizeguard/vips_setup.h"

#include <algorithm>

#include <vips/vips8>
#include <zlib.h>

namespace anime::test
{

namespace
{

using vips::VImage;

Data save(VImage image, const std::string &suffix)
{
    void *bytes;
    std::size_t size;
    image.write_to_buffer(suffix.c_str(), &bytes, &size);
    const auto *begin = static_cast<std::uint8_t *>(bytes);
    Data data(begin, begin + size);
    g_free(bytes);
    return data;
}

Data big_endian(std::uint32_t value)
{
    return {static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16),
            static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
}

} // namespace

Data make_image(const Spec &spec)
{
    set_up_vips();
    constexpr std::uint8_t RGB[4][3] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {255, 255, 255}};
    const bool grey = spec.bands < 3;
    Data pixels;
    for (int y = 0; y < spec.height; ++y) {
        for (int x = 0; x < spec.width; ++x) {
            const int quarter = 2 * (2 * y >= spec.height) + (2 * x >= spec.width);
            if (grey)
                pixels.push_back(static_cast<std::uint8_t>(50 + 50 * quarter));
            else
                pixels.insert(pixels.end(), RGB[quarter], RGB[quarter] + 3);
            if (spec.bands % 2 == 0)
                pixels.push_back(quarter == 3 ? 0 : 255);
        }
    }
    VImage image = VImage::new_from_memory(pixels.data(), pixels.size(), spec.width, spec.height, spec.bands,
                                           VIPS_FORMAT_UCHAR)
                       .copy_memory();
    image = image.copy(
        VImage::option()->set("interpretation", grey ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB));
    if (spec.sixteen)
        image = (image * 257)
                    .cast(VIPS_FORMAT_USHORT)
                    .copy(VImage::option()->set("interpretation", grey ? VIPS_INTERPRETATION_GREY16
                                                                       : VIPS_INTERPRETATION_RGB16));
    if (spec.cmyk) // no key; ink is the complement
        image = (255 - image)
                    .cast(VIPS_FORMAT_UCHAR)
                    .bandjoin_const(std::vector<double>{0})
                    .copy(VImage::option()->set("interpretation", VIPS_INTERPRETATION_CMYK));
    if (spec.orientation != 1) {
        const Data exif = exif_with(spec.orientation);
        vips_image_set_blob_copy(image.get_image(), VIPS_META_EXIF_NAME, exif.data(), exif.size());
        image.set("orientation", spec.orientation);
    }
    return save(image, spec.suffix);
}

Data make_flat(const std::string &suffix, int width, int height)
{
    set_up_vips();
    return save(VImage::black(width, height, VImage::option()->set("bands", 3))
                    .copy(VImage::option()->set("interpretation", VIPS_INTERPRETATION_sRGB)),
                suffix);
}

Data make_animation()
{
    set_up_vips();
    VImage red = VImage::black(32, 32, VImage::option()->set("bands", 3)) + std::vector<double>{255, 0, 0};
    VImage green = VImage::black(32, 32, VImage::option()->set("bands", 3)) + std::vector<double>{0, 255, 0};
    VImage both = red.join(green, VIPS_DIRECTION_VERTICAL)
                      .cast(VIPS_FORMAT_UCHAR)
                      .copy(VImage::option()->set("interpretation", VIPS_INTERPRETATION_sRGB));
    both.set("page-height", 32);
    return save(both, ".webp[lossless]");
}

Data exif_with(int orientation)
{
    return bytes_of("Exif") + Data{0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8} + // directory at byte 8
           Data{0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, static_cast<std::uint8_t>(orientation), 0, 0, 0, 0, 0, 0};
}

Data png_chunk(const std::string &type, const Data &payload)
{
    const Data body = bytes_of(type) + payload;
    return big_endian(static_cast<std::uint32_t>(payload.size())) + body +
           big_endian(static_cast<std::uint32_t>(
               crc32(crc32(0, nullptr, 0), body.data(), static_cast<uInt>(body.size()))));
}

Data png_header(std::uint32_t width, std::uint32_t height, int depth, int colour_type, int interlace)
{
    return Data{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'} +
           png_chunk("IHDR",
                     big_endian(width) + big_endian(height) +
                         Data{static_cast<std::uint8_t>(depth), static_cast<std::uint8_t>(colour_type), 0, 0,
                              static_cast<std::uint8_t>(interlace)});
}

Data jpeg_header(unsigned width, unsigned height, int sof, int components, int precision)
{
    const auto byte = [](auto value) { return static_cast<std::uint8_t>(value); };
    Data data{0xff,
              0xd8,
              0xff,
              byte(sof),
              0,
              byte(8 + 3 * components),
              byte(precision),
              byte(height >> 8),
              byte(height),
              byte(width >> 8),
              byte(width),
              byte(components)};
    for (int i = 1; i <= components; ++i)
        data = data + Data{byte(i), 0x11, 0};
    return data;
}

Data with_markers(const Data &jpeg, const Data &markers)
{
    return truncated(jpeg, 2) + markers + Data(jpeg.begin() + 2, jpeg.end());
}

Data jpeg_marker(int code, const Data &payload)
{
    const std::size_t length = payload.size() + 2;
    return Data{0xff, static_cast<std::uint8_t>(code), static_cast<std::uint8_t>(length >> 8),
                static_cast<std::uint8_t>(length)} +
           payload;
}

Data webp_chunk(const std::string &name, const Data &payload)
{
    Data length = big_endian(static_cast<std::uint32_t>(payload.size()));
    std::reverse(length.begin(), length.end());
    return bytes_of(name) + length + payload + Data(payload.size() % 2);
}

Data picture_of(const Data &webp)
{
    const std::size_t begin = find(webp, bytes_of("VP8L"));
    const std::size_t length = webp[begin + 4] | webp[begin + 5] << 8 | webp[begin + 6] << 16;
    const auto from = webp.begin() + static_cast<std::ptrdiff_t>(begin) + 8;
    return webp_chunk("VP8L", {from, from + static_cast<std::ptrdiff_t>(length)});
}

Data make_dots(std::size_t frames)
{
    set_up_vips();
    const VImage red =
        (VImage::black(1, 1, VImage::option()->set("bands", 3)) + std::vector<double>{255, 0, 0})
            .cast(VIPS_FORMAT_UCHAR)
            .copy(VImage::option()->set("interpretation", VIPS_INTERPRETATION_sRGB));
    const Data frame = webp_chunk("ANMF", Data(16) + picture_of(save(red, ".webp[lossless]")));
    Data chunks =
        bytes_of("WEBP") + webp_chunk("VP8X", {2, 0, 0, 0, 0, 0, 0, 0, 0, 0}) + webp_chunk("ANIM", Data(6));
    chunks.reserve(chunks.size() + frames * frame.size());
    for (std::size_t i = 0; i < frames; ++i)
        chunks.insert(chunks.end(), frame.begin(), frame.end());
    return webp_chunk("RIFF", chunks);
}

Data swapping_profile(const std::string &tag, const Data &value)
{
    const auto fixed = [](double number) { return big_endian(static_cast<std::uint32_t>(number * 65536)); };
    const auto xyz = [&](double x, double y, double z) {
        return bytes_of("XYZ ") + Data(4) + fixed(x) + fixed(y) + fixed(z);
    };
    const Data curve = bytes_of("curv") + Data(4) + big_endian(1) + Data{2, 0x33, 0, 0}; // gamma 2.2
    // sRGB's primaries, adapted to D50.
    std::vector<std::pair<std::string, Data>> tags{
        {"rXYZ", xyz(0.3851, 0.7169, 0.0971)},
        {"gXYZ", xyz(0.4361, 0.2225, 0.0139)},
        {"bXYZ", xyz(0.1431, 0.0606, 0.7141)},
        {"wtpt", xyz(0.9642, 1, 0.8249)},
        {"rTRC", curve},
        {"gTRC", curve},
        {"bTRC", curve},
    };
    if (!tag.empty())
        tags.emplace_back(tag, value);
    Data table = big_endian(static_cast<std::uint32_t>(tags.size()));
    Data values;
    for (const auto &[name, content] : tags) {
        const std::size_t offset = 128 + 4 + 12 * tags.size() + values.size();
        table = table + bytes_of(name) + big_endian(static_cast<std::uint32_t>(offset)) +
                big_endian(static_cast<std::uint32_t>(content.size()));
        values = values + content;
    }
    const Data header = Data(4) + bytes_of("lcms") + Data{4, 0x30, 0, 0} + bytes_of("mntrRGB XYZ ") +
                        Data(12) + bytes_of("acsp") + Data(28) + fixed(0.9642) + fixed(1) + fixed(0.8249) +
                        Data(48);
    return overwritten(header + table + values, 0,
                       big_endian(static_cast<std::uint32_t>(128 + table.size() + values.size())));
}

Data with_scans(const Data &jpeg, unsigned scans)
{
    const std::size_t start = find(jpeg, {0xff, 0xda});
    const Data scan(jpeg.begin() + static_cast<std::ptrdiff_t>(start), jpeg.end() - 2);
    Data repeated = truncated(jpeg, start);
    for (unsigned i = 0; i < scans; ++i)
        repeated = repeated + scan;
    return repeated + Data{0xff, 0xd9};
}

Data operator+(Data a, const Data &b)
{
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

Data bytes_of(const std::string &text)
{
    return {text.begin(), text.end()};
}

Data truncated(const Data &data, std::size_t size)
{
    return {data.begin(), data.begin() + static_cast<std::ptrdiff_t>(std::min(size, data.size()))};
}

Data overwritten(Data data, std::size_t offset, const Data &with)
{
    std::copy(with.begin(), with.end(), data.begin() + static_cast<std::ptrdiff_t>(offset));
    return data;
}

std::size_t find(const Data &data, const Data &what, std::size_t from)
{
    const auto found =
        std::search(data.begin() + static_cast<std::ptrdiff_t>(from), data.end(), what.begin(), what.end());
    return static_cast<std::size_t>(found - data.begin());
}

} // namespace anime::test
