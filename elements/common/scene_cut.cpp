// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/common/scene_cut.h"

#include <cmath>
#include <cstddef>
#include <utility>

namespace anime
{

namespace
{

/// Levels. More is a cut whatever the pictures look like; less than `least` is none: dark pictures are alike.
constexpr float most_change = 40;
constexpr float least_change = 10;
/// Two frames of one scene have 0.9 and more, two scenes seldom a half.
constexpr float least_correlation = 0.5F;

float correlation(const auto &a, const auto &b)
{
    const auto count = static_cast<float>(a.size());
    float mean_a = 0;
    float mean_b = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        mean_a += a[i] / count;
        mean_b += b[i] / count;
    }
    float together = 0;
    float square_a = 0;
    float square_b = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        together += (a[i] - mean_a) * (b[i] - mean_b);
        square_a += (a[i] - mean_a) * (a[i] - mean_a);
        square_b += (b[i] - mean_b) * (b[i] - mean_b);
    }
    const float both = std::sqrt(square_a * square_b);
    return both > 0 ? together / both : 1; // a picture of one colour is like any other
}

} // namespace

SceneCut::Thumbnail SceneCut::thumbnail_of(const ConstImage &frame)
{
    constexpr int samples = 4; // in each direction
    const auto place = [](int index, int count, int size) {
        return static_cast<int>((2 * std::int64_t{index} + 1) * size / (2 * std::int64_t{count}));
    };
    Thumbnail thumbnail{};
    for (int y = 0; y < rows * samples; ++y) {
        for (int x = 0; x < columns * samples; ++x) {
            const std::uint8_t *p =
                frame.at(place(x, columns * samples, frame.width), place(y, rows * samples, frame.height));
            const float luma = .299F * p[0] + .587F * p[1] + .114F * p[2];
            thumbnail[static_cast<std::size_t>(y / samples * columns + x / samples)] +=
                luma / (samples * samples);
        }
    }
    return thumbnail;
}

bool SceneCut::is_cut(const ConstImage &frame)
{
    const Thumbnail now = thumbnail_of(frame);
    const std::optional<Thumbnail> before = std::exchange(last_, now);
    if (!before)
        return false;
    float change = 0;
    for (std::size_t i = 0; i < now.size(); ++i)
        change += std::abs(now[i] - (*before)[i]) / static_cast<float>(now.size());
    return change > most_change || (change > least_change && correlation(now, *before) < least_correlation);
}

} // namespace anime
