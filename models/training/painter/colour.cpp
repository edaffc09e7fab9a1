// SPDX-License-Identifier: LGPL-2.1-or-later
// sRGB to CIE Lab (D65) and back.
#include "models/training/painter/colour.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace anime::training
{
namespace
{

constexpr float white_x = 0.950456F;
constexpr float white_z = 1.088754F;

std::array<float, 256> linear_values()
{
    std::array<float, 256> values{};
    for (std::size_t i = 0; i < values.size(); ++i) {
        const float v = static_cast<float>(i) / 255;
        values[i] = v <= 0.04045F ? v / 12.92F : std::pow((v + 0.055F) / 1.055F, 2.4F);
    }
    return values;
}

/// Encoded values of 0 to 1 in 4096 steps: finer than 8 bits everywhere but in the darkest levels.
std::array<float, 4097> encoded_values()
{
    std::array<float, 4097> values{};
    for (std::size_t i = 0; i < values.size(); ++i) {
        const float v = static_cast<float>(i) / 4096;
        values[i] = 255 * (v <= 0.0031308F ? v * 12.92F : 1.055F * std::pow(v, 1 / 2.4F) - 0.055F);
    }
    return values;
}

float curve(float t)
{
    return t > 0.008856F ? std::cbrt(t) : 7.787F * t + 16.0F / 116;
}

float inverse(float t)
{
    return t > 0.206893F ? t * t * t : (t - 16.0F / 116) / 7.787F;
}

} // namespace

Picture from_rgb(const std::uint8_t *rgb, int width, int height)
{
    static const std::array<float, 256> linear = linear_values();
    Picture picture(width, height);
    for (std::size_t i = 0; i < picture.size(); ++i) {
        const float r = linear[rgb[3 * i]];
        const float g = linear[rgb[3 * i + 1]];
        const float b = linear[rgb[3 * i + 2]];
        const float x = curve((0.412453F * r + 0.357580F * g + 0.180423F * b) / white_x);
        const float y = curve(0.212671F * r + 0.715160F * g + 0.072169F * b);
        const float z = curve((0.019334F * r + 0.119193F * g + 0.950227F * b) / white_z);
        picture[i] = Lab{116 * y - 16, 500 * (x - y), 200 * (y - z), 0};
    }
    return picture;
}

void to_rgb(const Picture &picture, std::uint8_t *rgb)
{
    static const std::array<float, 4097> encoded = encoded_values();
    const auto encode = [](float v) {
        const float at = std::clamp(v, 0.0F, 1.0F) * 4096;
        const auto low = static_cast<std::size_t>(std::min(at, 4095.0F));
        const float part = at - static_cast<float>(low);
        return static_cast<std::uint8_t>(encoded[low] + part * (encoded[low + 1] - encoded[low]) + 0.5F);
    };
    for (std::size_t i = 0; i < picture.size(); ++i) {
        const float fy = (picture[i][0] + 16) / 116;
        const float x = white_x * inverse(fy + picture[i][1] / 500);
        const float y = inverse(fy);
        const float z = white_z * inverse(fy - picture[i][2] / 200);
        rgb[3 * i] = encode(3.240479F * x - 1.537150F * y - 0.498535F * z);
        rgb[3 * i + 1] = encode(-0.969256F * x + 1.875991F * y + 0.041556F * z);
        rgb[3 * i + 2] = encode(0.055648F * x - 0.204043F * y + 1.057311F * z);
    }
}

} // namespace anime::training
