// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/facepaint/crop.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace anime
{

namespace
{

/// Rotation, scale and offset: from one picture's pixel coordinates to another's.
struct Similarity {
    double cosine; ///< times the scale
    double sine;
    double x;
    double y;

    Point operator()(double px, double py) const
    {
        return {cosine * px - sine * py + x, sine * px + cosine * py + y};
    }
};

Similarity canvas_to_frame(const Crop &crop, int size)
{
    const double scale = crop.side / size;
    const double cosine = std::cos(crop.angle) * scale;
    const double sine = std::sin(crop.angle) * scale;
    const double half = size / 2.0;
    return {cosine, sine, crop.centre.x - (cosine * half - sine * half),
            crop.centre.y - (sine * half + cosine * half)};
}

Similarity frame_to_canvas(const Crop &crop, int size)
{
    const double scale = size / crop.side;
    const double cosine = std::cos(crop.angle) * scale;
    const double sine = -std::sin(crop.angle) * scale;
    const double half = size / 2.0;
    return {cosine, sine, half - (cosine * crop.centre.x - sine * crop.centre.y),
            half - (sine * crop.centre.x + cosine * crop.centre.y)};
}

/// Weights of the four pixels around a place, for Catmull-Rom interpolation: sharper than bilinear, which
/// matters, because the model draws its lines where it sees edges.
std::array<float, 4> cubic(float t)
{
    const float t2 = t * t;
    const float t3 = t2 * t;
    return {0.5f * (-t3 + 2 * t2 - t), 0.5f * (3 * t3 - 5 * t2 + 2), 0.5f * (-3 * t3 + 4 * t2 + t),
            0.5f * (t3 - t2)};
}

std::uint8_t to_byte(float value)
{
    return static_cast<std::uint8_t>(std::clamp(value, 0.0f, 255.0f) + 0.5f);
}

/// Four neighbouring columns or rows, which repeat at the picture's ends.
struct Taps {
    Taps(double place, int size)
    {
        const double before = std::floor(place - 0.5);
        weight = cubic(static_cast<float>(place - 0.5 - before));
        for (int i = 0; i < 4; ++i)
            at[static_cast<std::size_t>(i)] = std::clamp(static_cast<int>(before) - 1 + i, 0, size - 1);
    }
    std::array<int, 4> at;
    std::array<float, 4> weight;
};

void sample_cubic(const ConstImage &image, Point place, std::uint8_t *out)
{
    const Taps x(place.x, image.width);
    const Taps y(place.y, image.height);
    std::array<float, 3> sum{};
    for (std::size_t j = 0; j < 4; ++j) {
        for (std::size_t i = 0; i < 4; ++i) {
            const std::uint8_t *pixel = image.at(x.at[i], y.at[j]);
            const float weight = x.weight[i] * y.weight[j];
            for (std::size_t c = 0; c < 3; ++c)
                sum[c] += weight * pixel[c];
        }
    }
    for (std::size_t c = 0; c < 3; ++c)
        out[c] = to_byte(sum[c]);
}

/// Without a turn: columns and rows apart, a quarter of the work.
void take_out_upright(const ConstImage &frame, const Crop &crop, const Image &canvas)
{
    const Similarity to_frame = canvas_to_frame(crop, canvas.width);
    std::vector<Taps> columns;
    for (int x = 0; x < canvas.width; ++x)
        columns.emplace_back(to_frame(x + 0.5, 0).x, frame.width);
    const int first = columns.front().at.front();
    const auto bytes = static_cast<std::size_t>((columns.back().at.back() - first + 1) * frame.pixel);
    std::vector<float> mixed(bytes);
    for (int y = 0; y < canvas.height; ++y) {
        const Taps rows(to_frame(0, y + 0.5).y, frame.height);
        const std::array<const std::uint8_t *, 4> from = {
            frame.at(first, rows.at[0]), frame.at(first, rows.at[1]), frame.at(first, rows.at[2]),
            frame.at(first, rows.at[3])};
        const std::array<float, 4> weight = rows.weight;
        for (std::size_t i = 0; i < bytes; ++i)
            mixed[i] = weight[0] * from[0][i] + weight[1] * from[1][i] + weight[2] * from[2][i] +
                       weight[3] * from[3][i];
        std::uint8_t *out = canvas.row(y);
        for (int x = 0; x < canvas.width; ++x, out += canvas.pixel) {
            const Taps &taps = columns[static_cast<std::size_t>(x)];
            std::array<float, 3> sum{};
            for (std::size_t i = 0; i < 4; ++i) {
                const float *pixel = mixed.data() + (taps.at[i] - first) * frame.pixel;
                for (std::size_t c = 0; c < 3; ++c)
                    sum[c] += taps.weight[i] * pixel[c];
            }
            for (std::size_t c = 0; c < 3; ++c)
                out[c] = to_byte(sum[c]);
        }
    }
}

void add_bilinear(const ConstImage &image, Point place, std::array<float, 3> &sum)
{
    const double x = std::clamp(place.x - 0.5, 0.0, image.width - 1.0);
    const double y = std::clamp(place.y - 0.5, 0.0, image.height - 1.0);
    const int left = static_cast<int>(x);
    const int top = static_cast<int>(y);
    const int right = std::min(left + 1, image.width - 1);
    const int bottom = std::min(top + 1, image.height - 1);
    const auto fx = static_cast<float>(x - left);
    const auto fy = static_cast<float>(y - top);
    const std::uint8_t *a = image.at(left, top);
    const std::uint8_t *b = image.at(right, top);
    const std::uint8_t *c = image.at(left, bottom);
    const std::uint8_t *d = image.at(right, bottom);
    for (std::size_t i = 0; i < 3; ++i)
        sum[i] += (1 - fy) * ((1 - fx) * a[i] + fx * b[i]) + fy * ((1 - fx) * c[i] + fx * d[i]);
}

/// The frame's pixels that a circle touches.
struct Bounds {
    int left;
    int top;
    int right;
    int bottom;
};

Bounds bounds_of(Point centre, double radius, int width, int height)
{
    const auto clip = [](double value, int size) {
        return static_cast<int>(std::clamp(value, 0.0, static_cast<double>(size)));
    };
    return {clip(std::floor(centre.x - radius), width), clip(std::floor(centre.y - radius), height),
            clip(std::ceil(centre.x + radius), width), clip(std::ceil(centre.y + radius), height)};
}

} // namespace

Crop crop_around(const Face &face, double expand, double angle)
{
    return {face.centre(), std::max(1.0, std::max(face.width, face.height) * expand), angle};
}

Crop aligned_to_pixels(const Crop &crop)
{
    const double side = std::round(crop.side);
    const auto aligned = [side](double centre) { return std::round(centre - side / 2) + side / 2; };
    return {{aligned(crop.centre.x), aligned(crop.centre.y)}, side, 0};
}

void take_out(const ConstImage &frame, const Crop &crop, const Image &canvas)
{
    if (crop.angle == 0)
        return take_out_upright(frame, crop, canvas);
    const Similarity to_frame = canvas_to_frame(crop, canvas.width);
    for (int y = 0; y < canvas.height; ++y)
        for (int x = 0; x < canvas.width; ++x)
            sample_cubic(frame, to_frame(x + 0.5, y + 0.5), canvas.at(x, y));
}

double feather_alpha(double distance, double feather)
{
    if (distance >= 1)
        return 0;
    if (1 - distance >= feather)
        return 1;
    const double t = (1 - distance) / feather;
    return t * t * (3 - 2 * t);
}

Patch put_back(const ConstImage &canvas, const Crop &crop, int frame_width, int frame_height, double feather,
               double presence)
{
    const double radius = crop.side / 2;
    const Bounds bounds = bounds_of(crop.centre, radius, frame_width, frame_height);
    Patch patch;
    if (bounds.right <= bounds.left || bounds.bottom <= bounds.top)
        return patch;
    patch.x = bounds.left;
    patch.y = bounds.top;
    patch.width = bounds.right - bounds.left;
    patch.height = bounds.bottom - bounds.top;
    patch.rgba.resize(static_cast<std::size_t>(patch.width) * static_cast<std::size_t>(patch.height) * 4);

    const Similarity to_canvas = frame_to_canvas(crop, canvas.width);
    const int samples = std::max(1, static_cast<int>(std::ceil(canvas.width / crop.side)));
    const float share = 1.0f / static_cast<float>(samples * samples);
    std::uint8_t *to = patch.rgba.data();
    for (int y = bounds.top; y < bounds.bottom; ++y) {
        for (int x = bounds.left; x < bounds.right; ++x, to += 4) {
            const double distance = std::hypot(x + 0.5 - crop.centre.x, y + 0.5 - crop.centre.y) / radius;
            const double alpha = presence * feather_alpha(distance, feather);
            if (alpha == 0)
                continue;
            std::array<float, 3> sum{};
            for (int j = 0; j < samples; ++j)
                for (int i = 0; i < samples; ++i)
                    add_bilinear(canvas, to_canvas(x + (i + 0.5) / samples, y + (j + 0.5) / samples), sum);
            for (std::size_t c = 0; c < 3; ++c)
                to[c] = to_byte(sum[c] * share);
            to[3] = to_byte(static_cast<float>(alpha * 255));
        }
    }
    return patch;
}

} // namespace anime
