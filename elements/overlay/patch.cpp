// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/overlay/patch.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace anime
{

namespace
{

/// A channel with less contrast than this, in levels, has no texture that could be compared.
constexpr double flat = 0.5;
constexpr double largest_factor = 2.0;

/// The part of the patch that lies on the frame, in the patch's coordinates.
struct Visible {
    int left;
    int top;
    int right;
    int bottom;
};

Visible visible_part(const Patch &patch, int frame_width, int frame_height)
{
    return {std::max(0, -patch.x), std::max(0, -patch.y), std::min(patch.width, frame_width - patch.x),
            std::min(patch.height, frame_height - patch.y)};
}

struct Colours {
    double weight = 0;
    std::array<double, 3> sum{};
    std::array<double, 3> squares{};

    void add(const std::uint8_t *pixel, double alpha)
    {
        weight += alpha;
        for (std::size_t c = 0; c < 3; ++c) {
            sum[c] += alpha * pixel[c];
            squares[c] += alpha * pixel[c] * pixel[c];
        }
    }
    double mean(std::size_t c) const { return sum[c] / weight; }
    double deviation(std::size_t c) const
    {
        return std::sqrt(std::max(0.0, squares[c] / weight - mean(c) * mean(c)));
    }
};

} // namespace

void match_colours(Patch &patch, const ConstImage &frame)
{
    const ConstImage pixels = std::as_const(patch).image();
    const Visible part = visible_part(patch, frame.width, frame.height);
    Colours have;
    Colours wanted;
    for (int row = part.top; row < part.bottom; ++row) {
        for (int column = part.left; column < part.right; ++column) {
            const std::uint8_t *pixel = pixels.at(column, row);
            have.add(pixel, pixel[3]);
            wanted.add(frame.at(patch.x + column, patch.y + row), pixel[3]);
        }
    }
    if (have.weight == 0)
        return;

    std::array<std::array<std::uint8_t, 256>, 3> table;
    for (std::size_t c = 0; c < 3; ++c) {
        double factor = 1;
        if (have.deviation(c) > flat)
            factor = std::clamp(wanted.deviation(c) / have.deviation(c), 1 / largest_factor, largest_factor);
        for (std::size_t value = 0; value < 256; ++value) {
            const double matched = wanted.mean(c) + (static_cast<double>(value) - have.mean(c)) * factor;
            table[c][value] = static_cast<std::uint8_t>(std::clamp(std::lround(matched), 0L, 255L));
        }
    }
    for (std::size_t i = 0; i < patch.rgba.size(); i += 4)
        for (std::size_t c = 0; c < 3; ++c)
            patch.rgba[i + c] = table[c][patch.rgba[i + c]];
}

void blend_patch(const Image &frame, const Patch &patch)
{
    const ConstImage pixels = patch.image();
    const Visible part = visible_part(patch, frame.width, frame.height);
    for (int row = part.top; row < part.bottom; ++row) {
        for (int column = part.left; column < part.right; ++column) {
            const std::uint8_t *from = pixels.at(column, row);
            std::uint8_t *to = frame.at(patch.x + column, patch.y + row);
            const int alpha = from[3];
            for (int c = 0; c < 3; ++c)
                to[c] = static_cast<std::uint8_t>((to[c] * (255 - alpha) + from[c] * alpha + 127) / 255);
        }
    }
}

} // namespace anime
