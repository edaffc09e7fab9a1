// SPDX-License-Identifier: LGPL-2.1-or-later
// Colour and light of each look. Nothing here depends on more of the picture than a pixel's neighbourhood.
#include "models/training/painter/looks.h"

#include "models/training/painter/filters.h"

#include <cmath>
#include <numbers>

namespace anime::training
{
namespace
{

/// 1 at `centre` (radians), falling off with `width`, round the circle.
float near_hue(float hue, float centre, float width)
{
    const float d = std::remainder(hue - centre, 2 * std::numbers::pi_v<float>) / width;
    return std::exp(-d * d);
}

/// Follows `value` up to `knee`, then bends and never passes `limit`.
float bend(float value, float knee, float limit)
{
    if (value <= knee)
        return value;
    const float room = limit - knee;
    return knee + room * std::tanh((value - knee) / room);
}

/// Soft steps of `step` units, of which `part` is applied.
float cel(float lightness, float smooth, float step, float sharpness, float part)
{
    const float middle = std::round(smooth / step) * step;
    const float stepped = middle + step / 2 * std::tanh((smooth - middle) / step * sharpness);
    return lightness + (stepped - smooth) * part;
}

void glow(Picture &picture, float threshold, float amount, float sigma, Lab tint)
{
    Picture light(picture.width, picture.height);
    for (std::size_t i = 0; i < light.size(); ++i) {
        const float k = ramp(picture[i][0], threshold, 100);
        light[i] = Lab{picture[i][0], picture[i][1], picture[i][2], 1} * k;
    }
    light = blur(light, sigma);
    for (std::size_t i = 0; i < picture.size(); ++i) {
        const float k = amount * light[i][3];
        picture[i][0] += (100 - picture[i][0]) * k * 0.9F;
        picture[i][1] += k * (tint[1] + 0.2F * (light[i][1] - picture[i][1]));
        picture[i][2] += k * (tint[2] + 0.2F * (light[i][2] - picture[i][2]));
    }
}

void put_lines(Picture &picture, const Drawing &drawing, float strength, float keep, float darkest)
{
    for (std::size_t i = 0; i < picture.size(); ++i) {
        const Lab under = picture[i];
        const float skin = drawing.skin[i] * (1 - drawing.feature[i]);
        const Lab ink{std::min(under[0] * (keep + 0.16F * skin), darkest + 14 * skin),
                      under[1] * 0.8F + 3 + 4 * skin, under[2] * 0.7F - 2 + 4 * skin, 0};
        picture[i] += std::min(strength * drawing.line[i], 1.0F) * (ink - under);
    }
}

/// Bright and airy: a fixed curve of at most half a stop, violet shadows, azure skies, split greens, clean
/// skin.
Picture aozora(const Drawing &drawing)
{
    Picture out(drawing.flat.width, drawing.flat.height);
    for (std::size_t i = 0; i < out.size(); ++i) {
        const float skin = drawing.skin[i];
        const Lab from = drawing.flat[i];
        const float before = cel(from[0], drawing.lightness[i], 12, 6, 0.72F * drawing.shaded[i]) / 100;
        float l = std::clamp((before - 0.012F) / 0.953F, 0.0F, 1.0F);
        l = std::pow(l, 0.92F);
        l += 0.035F * std::sin(std::numbers::pi_v<float> * l);
        l = 0.018F + 0.982F * l;
        l += 0.80F * skin * (before - l) * (1 - drawing.feature[i]);
        l -= 0.07F * drawing.feature[i] * ramp(1 - l, 0.25F, 0.6F);

        const float shadow = 1 - ramp(l, 0.08F, 0.52F);
        const float light = ramp(l, 0.5F, 0.95F) * (1 - ramp(l, 0.93F, 1));
        const float toned = 1 - 0.9F * skin;
        float a = from[1] + shadow * 2.0F * toned;
        float b = from[2] - shadow * 5.0F * toned + light * 1.5F * toned;
        float chroma = std::hypot(a, b);
        float hue = std::atan2(b, a);

        const float blue = near_hue(hue, -1.40F, 0.60F) * ramp(chroma, 4, 12);
        const float green = near_hue(hue, 2.15F, 0.50F) * ramp(chroma, 6, 16);
        float boost = 0.50F * ramp(chroma, 4, 18) * (1 - 0.6F * ramp(chroma, 45, 80)) * (1 - 0.85F * skin);
        boost += 0.30F * blue * ramp(l, 0.15F, 0.45F) * (1 - 0.5F * ramp(l, 0.78F, 0.95F));
        boost *= 1 - 0.5F * ramp(chroma, 26, 48) * ramp(l, 0.65F, 0.85F);
        boost *= 1 - 0.6F * near_hue(hue, 0.85F, 0.55F) * ramp(chroma, 25, 45);
        boost *= 1 - 0.6F * near_hue(hue, 1.85F, 0.40F) * ramp(chroma, 35, 60);
        boost *= ramp(l, 0.06F, 0.28F) * (1 - 0.6F * near_hue(hue, 0, 0.45F));
        hue -= 0.10F * blue * ramp(l, 0.35F, 0.7F) + 0.13F * green * (ramp(l, 0.4F, 0.75F) - 0.3F);
        chroma *= 1 + boost;
        // Blues and violets turn to neon long before other colours do.
        const float cold = std::min(1.8F * near_hue(hue, -1.2F, 0.75F), 1.0F);
        chroma += cold * (bend(chroma, 30, 46) - chroma);
        chroma = bend(chroma, 62, 92);
        l += 0.02F * blue * (1 - ramp(l, 0.6F, 0.85F));
        out[i] = Lab{100 * std::clamp(l, 0.0F, 1.0F), chroma * std::cos(hue), chroma * std::sin(hue), 0};
    }
    put_lines(out, drawing, 1.0F, 0.32F, 22);
    glow(out, 74, 0.16F, 6, Lab{0, 0, 1, 0});
    return out;
}

/// The last hour of the day: violet shadows, amber light, skies from gold to plum, and a warm glow.
Picture sunset(const Drawing &drawing)
{
    Picture out(drawing.flat.width, drawing.flat.height);
    for (std::size_t i = 0; i < out.size(); ++i) {
        const float skin = drawing.skin[i];
        const Lab from = drawing.flat[i];
        float l = cel(from[0], drawing.lightness[i], 13, 5, 0.6F * drawing.shaded[i]) / 100;
        l = std::clamp((l - 0.02F) / 0.96F, 0.0F, 1.0F);
        l = std::pow(l, 1.06F) + 0.02F * std::sin(std::numbers::pi_v<float> * l) -
            0.035F * std::sin(2 * std::numbers::pi_v<float> * l);
        l = 0.02F + 0.965F * l;
        const float chroma = std::hypot(from[1], from[2]);
        const float hue = std::atan2(from[2], from[1]);
        const float cold = near_hue(hue, -1.45F, 0.80F) * ramp(chroma, 3, 12);
        const float green = near_hue(hue, 2.2F, 0.55F) * ramp(chroma, 6, 16);
        // The light's own colour, by how bright the place is.
        const float dark = 1 - ramp(l, 0.05F, 0.45F);
        const float high = ramp(l, 0.50F, 0.95F);
        const float middle = 1 - dark - high < 0 ? 0 : 1 - dark - high;
        const float own = 0.92F - 0.55F * cold - 0.30F * green;
        float a = own * from[1] + dark * 13 + middle * 14 + high * 8;
        float b = own * from[2] - dark * 20 + middle * 8 + high * (21 - 8 * ramp(l, 0.9F, 1));
        // What was blue turns with its brightness from plum to peach.
        const float at = ramp(l, 0.30F, 0.85F);
        a += cold * 0.75F * ((26 - 8 * at) - a);
        b += cold * 0.75F * ((-16 + 42 * at) - b);
        a += skin * 0.35F * (from[1] + 5 - a);
        b += skin * 0.35F * (from[2] + 6 - b);
        l -= 0.04F * drawing.feature[i];
        out[i] = Lab{100 * std::clamp(l, 0.0F, 1.0F), a, b, 0};
    }
    put_lines(out, drawing, 1.0F, 0.30F, 18);
    glow(out, 58, 0.34F, 9, Lab{0, 5, 14, 0});
    return out;
}

/// Watercolour on white paper: light, few colours, pigment that gathers at the borders, lines of the paint's
/// colour.
Picture pastel(const Drawing &drawing)
{
    Picture wash = blur(drawing.flat, 1.2F);
    for (std::size_t i = 0; i < wash.size(); ++i) {
        const float fine = std::max(drawing.feature[i], ramp(drawing.border[i], 1.0F, 3.0F));
        wash[i] += fine * (drawing.flat[i] - wash[i]);
    }
    const Plane pool = blur(drawing.border, 1.5F);
    Picture out(wash.width, wash.height);
    for (std::size_t i = 0; i < out.size(); ++i) {
        const float skin = drawing.skin[i];
        const float before = cel(wash[i][0], drawing.lightness[i], 15, 6, 0.55F * drawing.shaded[i]) / 100;
        float l = std::pow(std::clamp(before, 0.0F, 1.0F), 0.75F);
        l = 0.36F + 0.64F * l;
        l += ramp(before, 0.66F, 0.90F) * (1 - l) * 0.75F;
        // Paper shows through everywhere but through skin, which keeps its tone.
        l += 0.75F * skin * (0.14F + 0.86F * before - l);
        l -= 0.05F * ramp(pool[i], 1.2F, 5.0F) * ramp(1 - l, 0.02F, 0.2F);
        l -= 0.12F * drawing.feature[i] * ramp(1 - l, 0.1F, 0.35F);
        const float shadow = 1 - ramp(before, 0.05F, 0.45F);
        const float a0 = wash[i][1] + shadow * 5;
        const float b0 = wash[i][2] - shadow * 14;
        float chroma = std::hypot(a0, b0);
        const float hue = std::atan2(b0, a0);
        chroma = bend(chroma * (1.0F + 0.25F * ramp(chroma, 5, 15) * (1 - skin)), 16, 32);
        chroma *= 1 - 0.5F * ramp(l, 0.93F, 1);
        out[i] = Lab{100 * std::clamp(l, 0.0F, 1.0F), chroma * std::cos(hue), chroma * std::sin(hue), 0};
    }
    for (std::size_t i = 0; i < out.size(); ++i) {
        const Lab under = out[i];
        const Lab ink{under[0] * 0.50F, under[1] * 0.8F + 9, under[2] * 0.6F - 8, 0};
        out[i] += std::min(0.85F * drawing.line[i], 1.0F) * (ink - under);
    }
    glow(out, 84, 0.20F, 5, Lab{0, 0.5F, 1.5F, 0});
    return out;
}

/// Manga: black lines, solid blacks, two greys and paper.
Picture ink(const Drawing &drawing)
{
    Picture out(drawing.flat.width, drawing.flat.height);
    for (std::size_t i = 0; i < out.size(); ++i) {
        const float l = 0.5F * (drawing.flat[i][0] + drawing.lightness[i]) + 7 * drawing.skin[i] -
                        16 * drawing.feature[i];
        // Skies and what is out of focus have no borders to step at: there the steps are wide.
        const float wide = 9 * (1 - drawing.shaded[i]) * (1 - ramp(drawing.border[i], 0.8F, 2.0F));
        float tone = 4;
        tone += 38 * ramp(l, 17, 23);
        tone += 30 * ramp(l, 36 - wide, 42 + wide);
        tone += 26 * ramp(l, 58 - wide, 65 + wide);
        // Strands and folds inside the blacks stay readable.
        tone += 26 * ramp(l - drawing.lightness[i], 2, 6) * (1 - ramp(l, 17, 30));
        const float line = ramp(drawing.line[i], 0.05F, 0.45F);
        tone += line * (3 - tone);
        out[i] = Lab{tone, 0, 0, 0};
    }
    return out;
}

} // namespace

const std::vector<LookName> &looks()
{
    static const std::vector<LookName> all = {
        {"aozora", aozora}, {"sunset", sunset}, {"pastel", pastel}, {"ink", ink}};
    return all;
}

} // namespace anime::training
