// SPDX-License-Identifier: LGPL-2.1-or-later
// The films' own conversion between 4:2:0 and RGB: against the arithmetic in double, and each set of loops
// against the plain one.
#include "pipelines/film/yuv_rows.h"

#include <gst/video/video.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <vector>

namespace anime
{

namespace
{

using Bytes = std::vector<std::uint8_t>;

constexpr std::array matrices = {GST_VIDEO_COLOR_MATRIX_BT601, GST_VIDEO_COLOR_MATRIX_BT709,
                                 GST_VIDEO_COLOR_MATRIX_BT2020, GST_VIDEO_COLOR_MATRIX_SMPTE240M};
constexpr std::array ranges = {GST_VIDEO_COLOR_RANGE_16_235, GST_VIDEO_COLOR_RANGE_0_255};

Bytes random_bytes(int count)
{
    static std::mt19937 numbers(1);
    Bytes bytes(static_cast<std::size_t>(count));
    for (std::uint8_t &byte : bytes)
        // Ends count most: that is where something may wrap around.
        byte = numbers() % 4 == 0 ? static_cast<std::uint8_t>(numbers() % 2 * 255)
                                  : static_cast<std::uint8_t>(numbers());
    return bytes;
}

/// A row of 16-bit values with room before and behind.
struct Row {
    explicit Row(int width) : values(static_cast<std::size_t>(width) + 2) {}
    std::int16_t *data() { return values.data() + 1; }
    std::vector<std::int16_t> values;
};

struct Coefficients {
    Coefficients(GstVideoColorMatrix matrix, GstVideoColorRange range)
    {
        gst_video_color_matrix_get_Kr_Kb(matrix, &kr, &kb);
        const bool full = range == GST_VIDEO_COLOR_RANGE_0_255;
        black = full ? 0 : 16;
        luma = full ? 255 : 219;
        chroma = full ? 255 : 224;
    }
    std::array<double, 3> rgb(double y, double u, double v) const
    {
        const double light = (y - black) * 255 / luma;
        const double r = light + 2 * (1 - kr) * (v - 128) * 255 / chroma;
        const double b = light + 2 * (1 - kb) * (u - 128) * 255 / chroma;
        return {r, (light - kr * r - kb * b) / (1 - kr - kb), b};
    }
    std::array<double, 3> yuv(double r, double g, double b) const
    {
        const double light = kr * r + (1 - kr - kb) * g + kb * b;
        return {black + light * luma / 255, 128 + (b - light) / 2 / (1 - kb) * chroma / 255,
                128 + (r - light) / 2 / (1 - kr) * chroma / 255};
    }
    double kr = 0, kb = 0, black = 0, luma = 0, chroma = 0;
};

double clamped(double level)
{
    return std::clamp(level, 0.0, 255.0);
}

/// Half a level of rounding and what fixed point may add.
constexpr double error = 0.5 + 0.15;

Bytes to_rgb(const YuvLoops &loops, const YuvMatrix &matrix, const Bytes &y, const Bytes &u, const Bytes &v,
             bool cosited)
{
    const int width = static_cast<int>(y.size());
    const int half = static_cast<int>(u.size());
    Row rows[2] = {Row(half), Row(half)};
    mix_chroma(u.data(), u.data(), 3, 1, half, rows[0].data());
    mix_chroma(v.data(), v.data(), 3, 1, half, rows[1].data());
    Bytes rgb(3 * y.size() + 1, 0xA5);
    loops.to_rgb({y.data(), rows[0].data(), rows[1].data(), cosited}, matrix, rgb.data(), width);
    EXPECT_EQ(rgb.back(), 0xA5) << "nothing is written behind the row";
    rgb.pop_back();
    return rgb;
}

struct Planes {
    std::array<Bytes, 2> y;
    Bytes u, v;

    bool operator==(const Planes &) const = default;
};

Planes from_rgb(const YuvLoops &loops, const YuvMatrix &matrix, const Bytes &first, const Bytes &second,
                bool cosited)
{
    const int width = static_cast<int>(first.size() / 3);
    const std::size_t half = (first.size() / 3 + 1) / 2;
    Row rows[3] = {Row(width), Row(width), Row(width)};
    const RgbSums sums = {{rows[0].data(), rows[1].data(), rows[2].data()}};
    Planes planes = {{Bytes(first.size() / 3), Bytes(first.size() / 3)}, Bytes(half), Bytes(half)};
    loops.write_luma(first.data(), matrix, planes.y[0].data(), sums, true, width);
    loops.write_luma(second.data(), matrix, planes.y[1].data(), sums, false, width);
    loops.write_chroma(sums, cosited, matrix, planes.u.data(), planes.v.data(), width);
    return planes;
}

/// Chroma at pixel x, linearly between its samples.
double chroma_at(const Bytes &samples, int x, bool cosited)
{
    const auto sample = [&](int i) {
        const int last = static_cast<int>(samples.size()) - 1;
        return static_cast<double>(samples[static_cast<std::size_t>(std::clamp(i, 0, last))]);
    };
    const double place = cosited ? x / 2.0 : x / 2.0 - 0.25;
    const int left = static_cast<int>(std::floor(place));
    return sample(left) + (place - left) * (sample(left + 1) - sample(left));
}

} // namespace

TEST(FilmToRgb, IsTheArithmeticRounded)
{
    for (const GstVideoColorMatrix matrix : matrices) {
        for (const GstVideoColorRange range : ranges) {
            for (const bool cosited : {true, false}) {
                const int width = 101;
                const Bytes y = random_bytes(width);
                const Bytes u = random_bytes((width + 1) / 2);
                const Bytes v = random_bytes((width + 1) / 2);
                const Bytes rgb = to_rgb(yuv_loops().front(), {matrix, range}, y, u, v, cosited);
                const Coefficients exact(matrix, range);
                for (int x = 0; x < width; ++x) {
                    const auto at = static_cast<std::size_t>(x);
                    const auto wanted = exact.rgb(y[at], chroma_at(u, x, cosited), chroma_at(v, x, cosited));
                    for (std::size_t c = 0; c < 3; ++c)
                        ASSERT_NEAR(rgb[3 * at + c], clamped(wanted[c]), error)
                            << "matrix " << matrix << ", range " << range << ", pixel " << x << ", channel "
                            << c;
                }
            }
        }
    }
}

TEST(FilmFromRgb, IsTheArithmeticRounded)
{
    for (const GstVideoColorMatrix matrix : matrices) {
        for (const GstVideoColorRange range : ranges) {
            for (const bool cosited : {true, false}) {
                const int width = 100;
                const std::array rows = {random_bytes(3 * width), random_bytes(3 * width)};
                const Planes planes =
                    from_rgb(yuv_loops().front(), {matrix, range}, rows[0], rows[1], cosited);
                const Coefficients exact(matrix, range);
                const auto pixel = [&](std::size_t row, int x) {
                    const auto at = static_cast<std::size_t>(3 * std::clamp(x, 0, width - 1));
                    return exact.yuv(rows[row][at], rows[row][at + 1], rows[row][at + 2]);
                };
                for (int x = 0; x < width; ++x)
                    for (std::size_t row = 0; row < 2; ++row)
                        ASSERT_NEAR(planes.y[row][static_cast<std::size_t>(x)], clamped(pixel(row, x)[0]),
                                    error);
                for (int x = 0; x < width; x += 2) {
                    for (const std::size_t c : {1u, 2u}) {
                        double wanted = 0;
                        for (std::size_t row = 0; row < 2; ++row)
                            wanted +=
                                cosited
                                    ? (pixel(row, x - 1)[c] + 2 * pixel(row, x)[c] + pixel(row, x + 1)[c]) / 8
                                    : (pixel(row, x)[c] + pixel(row, x + 1)[c]) / 4;
                        ASSERT_NEAR((c == 1 ? planes.u : planes.v)[static_cast<std::size_t>(x / 2)],
                                    clamped(wanted), error)
                            << "matrix " << matrix << ", range " << range << ", pixel " << x;
                    }
                }
            }
        }
    }
}

TEST(FilmYuv, AllLoopsGiveTheSame)
{
    const YuvLoops &plain = yuv_loops().back();
    for (const YuvLoops &loops : yuv_loops()) {
        for (int width = 1; width < 70; ++width) {
            for (const GstVideoColorRange range : ranges) {
                for (const bool cosited : {true, false}) {
                    const YuvMatrix matrix(GST_VIDEO_COLOR_MATRIX_BT709, range);
                    const Bytes y = random_bytes(width);
                    const Bytes u = random_bytes((width + 1) / 2);
                    const Bytes v = random_bytes((width + 1) / 2);
                    ASSERT_EQ(to_rgb(loops, matrix, y, u, v, cosited),
                              to_rgb(plain, matrix, y, u, v, cosited))
                        << width;
                    const Bytes first = random_bytes(3 * width);
                    const Bytes second = random_bytes(3 * width);
                    ASSERT_EQ(from_rgb(loops, matrix, first, second, cosited),
                              from_rgb(plain, matrix, first, second, cosited))
                        << width;
                }
            }
        }
    }
}

TEST(FilmYuv, GreyComesBackAsItWas)
{
    for (const GstVideoColorMatrix kind : matrices) {
        const YuvMatrix matrix(kind, GST_VIDEO_COLOR_RANGE_16_235);
        for (int level = 16; level <= 235; ++level) {
            const Bytes luma(32, static_cast<std::uint8_t>(level));
            const Bytes grey(16, 128);
            const Bytes rgb = to_rgb(yuv_loops().front(), matrix, luma, grey, grey, true);
            EXPECT_EQ(from_rgb(yuv_loops().front(), matrix, rgb, rgb, true),
                      (Planes{{luma, luma}, grey, grey}));
        }
    }
}

} // namespace anime
