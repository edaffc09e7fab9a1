// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/film/tone_curve.h"

#include <algorithm>
#include <cmath>

namespace anime
{

namespace
{

constexpr Colour luma_2020 = {0.2627F, 0.6780F, 0.0593F};
constexpr Colour luma_709 = {0.2126F, 0.7152F, 0.0722F};

float dot(const Colour &a, const Colour &b)
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

// SMPTE ST 2084.
constexpr float m1 = 2610.0F / 16384;
constexpr float m2 = 2523.0F / 4096 * 128;
constexpr float c1 = 3424.0F / 4096;
constexpr float c2 = 2413.0F / 4096 * 32;
constexpr float c3 = 2392.0F / 4096 * 32;

float light_of_pq(float signal)
{
    const float power = std::pow(signal, 1 / m2);
    return 10000 * std::pow(std::max(power - c1, 0.0F) / (c2 - c3 * power), 1 / m1);
}

float pq_of_light(float light)
{
    const float power = std::pow(std::max(light, 0.0F) / 10000, m1);
    return std::pow((c1 + c2 * power) / (1 + c3 * power), m2);
}

/// BT.2100: the camera's light, 0 to 1.
float scene_of_hlg(float signal)
{
    constexpr float a = 0.17883277F;
    constexpr float b = 1 - 4 * a;
    const float c = 0.5F - a * std::log(4 * a);
    return signal <= 0.5F ? signal * signal / 3 : (std::exp((signal - c) / a) + b) / 12;
}

Colour display_light(HdrTransfer transfer, const Colour &signal)
{
    Colour light;
    if (transfer == HdrTransfer::pq) {
        std::ranges::transform(signal, light.begin(), light_of_pq);
        return light;
    }
    std::ranges::transform(signal, light.begin(), scene_of_hlg);
    const float scale = 1000 * std::pow(std::max(dot(light, luma_2020), 1e-6F), 0.2F);
    for (float &channel : light)
        channel *= scale;
    return light;
}

/// BT.2390, 5.4.1, without its black level lift.
float rolled_off(float light, float peak)
{
    const float top = pq_of_light(peak);
    const float most = pq_of_light(reference_white) / top;
    if (most >= 1)
        return std::min(light, reference_white);
    const float knee = 1.5F * most - 0.5F;
    const float value = std::min(pq_of_light(light) / top, 1.0F);
    if (value < knee)
        return light;
    const float t = (value - knee) / (1 - knee);
    const float t2 = t * t;
    const float t3 = t2 * t;
    const float mapped =
        (2 * t3 - 3 * t2 + 1) * knee + (t3 - 2 * t2 + t) * (1 - knee) + (3 * t2 - 2 * t3) * most;
    return light_of_pq(mapped * top);
}

Colour to_709(const Colour &c)
{
    return {1.6605F * c[0] - 0.5876F * c[1] - 0.0728F * c[2],
            -0.1246F * c[0] + 1.1329F * c[1] - 0.0083F * c[2],
            -0.0182F * c[0] - 0.1006F * c[1] + 1.1187F * c[2]};
}

/// Moves a colour towards the grey of its luminance until it lies between 0 and 1.
Colour within_gamut(Colour colour)
{
    const float grey = std::clamp(dot(colour, luma_709), 0.0F, 1.0F);
    float keep = 1;
    for (const float channel : colour) {
        if (channel < 0)
            keep = std::min(keep, grey / (grey - channel));
        if (channel > 1)
            keep = std::min(keep, (1 - grey) / (channel - grey));
    }
    for (float &channel : colour)
        channel = std::clamp(grey + keep * (channel - grey), 0.0F, 1.0F);
    return colour;
}

} // namespace

Colour tone_mapped(HdrTransfer transfer, float peak, const Colour &signal)
{
    Colour light = display_light(transfer, signal);
    const float largest = std::max({light[0], light[1], light[2], 1e-6F});
    const float scale = rolled_off(largest, peak) / largest / reference_white;
    for (float &channel : light)
        channel *= scale;
    Colour colour = within_gamut(to_709(light));
    for (float &channel : colour)
        channel = std::pow(channel, 1 / 2.4F);
    return colour;
}

ToneTable::ToneTable(HdrTransfer transfer, float peak)
{
    table_.reserve(std::size_t{side} * side * side * 3);
    const auto at = [](int i) { return static_cast<float>(i) / (side - 1); };
    for (int r = 0; r < side; ++r)
        for (int g = 0; g < side; ++g)
            for (int b = 0; b < side; ++b)
                for (const float channel : tone_mapped(transfer, peak, {at(r), at(g), at(b)}))
                    table_.push_back(255 * channel);
}

void ToneTable::apply(const std::uint16_t *argb, std::uint8_t *rgb, int pixels) const
{
    constexpr float scale = (side - 1) / 65535.0F;
    constexpr int step[3] = {side * side * 3, side * 3, 3};
    for (int i = 0; i < pixels; ++i, argb += 4, rgb += 3) {
        int base = 0;
        float part[3];
        for (int c = 0; c < 3; ++c) {
            const float position = static_cast<float>(argb[c + 1]) * scale;
            const int cell = std::min(static_cast<int>(position), side - 2);
            part[c] = position - static_cast<float>(cell);
            base += cell * step[c];
        }
        // Tetrahedral: from the cell's darkest corner to its brightest, along the largest part first. Greys
        // stay grey, which they don't between eight corners.
        int order[3] = {0, 1, 2};
        if (part[order[0]] < part[order[1]])
            std::swap(order[0], order[1]);
        if (part[order[1]] < part[order[2]])
            std::swap(order[1], order[2]);
        if (part[order[0]] < part[order[1]])
            std::swap(order[0], order[1]);
        const float *corner = table_.data() + base;
        float weight = 1 - part[order[0]];
        float sum[3] = {0.5F, 0.5F, 0.5F};
        for (int k = 0; k < 4; ++k) {
            for (int c = 0; c < 3; ++c)
                sum[c] += weight * corner[c];
            if (k == 3)
                break;
            corner += step[order[k]];
            weight = part[order[k]] - (k < 2 ? part[order[k + 1]] : 0);
        }
        for (int c = 0; c < 3; ++c)
            rgb[c] = static_cast<std::uint8_t>(sum[c]);
    }
}

} // namespace anime
