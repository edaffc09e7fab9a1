// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/elements/sizeguard/test_jpegs.h"

#include <cstdio>
#include <cstdlib>

#include <jpeglib.h>

namespace anime::test
{

namespace
{

/// One line of the picture, in the colour space of the encoder's input. Adobe writes CMYK with 255 for no
/// ink.
std::vector<JSAMPLE> line_of(const JpegSpec &spec, int y)
{
    constexpr std::uint8_t RGB[4][3] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {255, 255, 255}};
    std::vector<JSAMPLE> line;
    for (int x = 0; x < spec.width; ++x) {
        const int quarter = 2 * (2 * y >= spec.height) + (2 * x >= spec.width);
        if (spec.colours == JpegColours::grey)
            line.push_back(static_cast<JSAMPLE>(50 + 50 * quarter));
        else
            line.insert(line.end(), RGB[quarter], RGB[quarter] + 3);
        if (spec.colours == JpegColours::cmyk || spec.colours == JpegColours::ycck)
            line.push_back(255);
    }
    return line;
}

constexpr jpeg_scan_info EACH_CHANNEL[] = {
    {1, {0}, 0, 63, 0, 0}, {1, {1}, 0, 63, 0, 0}, {1, {2}, 0, 63, 0, 0}, {1, {3}, 0, 63, 0, 0}};
constexpr jpeg_scan_info SEPARATE_DC[] = {{1, {0}, 0, 0, 0, 0},  {1, {1}, 0, 0, 0, 0},
                                          {1, {2}, 0, 0, 0, 0},  {1, {0}, 1, 63, 0, 0},
                                          {1, {1}, 1, 63, 0, 0}, {1, {2}, 1, 63, 0, 0}};

/// `jpeg` without its second scan; the tables before it stay.
Data without_second_scan(const Data &jpeg)
{
    const std::size_t first = find(jpeg, {0xff, 0xda});
    const std::size_t second = test::find(jpeg, {0xff, 0xda}, first + 2);
    std::size_t end = second + 2;
    while (jpeg[end] != 0xff || jpeg[end + 1] == 0)
        ++end;
    return truncated(jpeg, second) + Data(jpeg.begin() + static_cast<std::ptrdiff_t>(end), jpeg.end());
}

J_COLOR_SPACE input_space(JpegColours colours)
{
    switch (colours) {
    case JpegColours::grey:
        return JCS_GRAYSCALE;
    case JpegColours::cmyk:
    case JpegColours::ycck:
        return JCS_CMYK;
    default:
        return JCS_RGB;
    }
}

J_COLOR_SPACE stored_space(JpegColours colours)
{
    switch (colours) {
    case JpegColours::grey:
        return JCS_GRAYSCALE;
    case JpegColours::rgb:
        return JCS_RGB;
    case JpegColours::cmyk:
        return JCS_CMYK;
    case JpegColours::ycck:
        return JCS_YCCK;
    default:
        return JCS_YCbCr;
    }
}

} // namespace

Data make_jpeg(const JpegSpec &spec)
{
    jpeg_compress_struct jpeg{};
    jpeg_error_mgr errors;
    jpeg.err = jpeg_std_error(&errors); // ends the program: the test is wrong
    jpeg_create_compress(&jpeg);
    unsigned char *bytes = nullptr;
    unsigned long size = 0;
    jpeg_mem_dest(&jpeg, &bytes, &size);

    jpeg.image_width = static_cast<JDIMENSION>(spec.width);
    jpeg.image_height = static_cast<JDIMENSION>(spec.height);
    jpeg.in_color_space = input_space(spec.colours);
    jpeg.input_components = jpeg.in_color_space == JCS_GRAYSCALE ? 1 : jpeg.in_color_space == JCS_RGB ? 3 : 4;
    jpeg_set_defaults(&jpeg);
    jpeg_set_colorspace(&jpeg, stored_space(spec.colours));
    jpeg_set_quality(&jpeg, 100, TRUE);
    for (int c = 0; c < jpeg.num_components; ++c) {
        jpeg.comp_info[c].component_id = spec.ids[c];
        if (!spec.subsampled)
            jpeg.comp_info[c].h_samp_factor = jpeg.comp_info[c].v_samp_factor = 1;
    }
    jpeg.arith_code = spec.arithmetic;
    jpeg.restart_interval = spec.restart_interval;
    jpeg.write_JFIF_header = jpeg.write_JFIF_header && spec.markers;
    jpeg.write_Adobe_marker = jpeg.write_Adobe_marker && spec.markers;
    if (spec.scans == JpegScans::progressive) {
        jpeg_simple_progression(&jpeg);
    } else if (spec.scans == JpegScans::each_channel) {
        jpeg.scan_info = EACH_CHANNEL;
        jpeg.num_scans = jpeg.num_components;
    } else if (spec.scans == JpegScans::no_second_dc) {
        jpeg.scan_info = SEPARATE_DC;
        jpeg.num_scans = static_cast<int>(std::size(SEPARATE_DC));
    }

    jpeg_start_compress(&jpeg, TRUE);
    for (int y = 0; y < spec.height; ++y) {
        std::vector<JSAMPLE> line = line_of(spec, y);
        JSAMPROW row = line.data();
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    Data data(bytes, bytes + size);
    std::free(bytes);
    return spec.scans == JpegScans::no_second_dc ? without_second_scan(data) : data;
}

} // namespace anime::test
