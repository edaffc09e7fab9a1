// SPDX-License-Identifier: LGPL-2.1-or-later
// From a photo to shapes and lines. The constants were chosen by eye; radii are in pixels, ranges in Lab
// units.
#include "models/training/painter/drawing.h"

#include "models/training/painter/filters.h"
#include "models/training/painter/flow.h"

#include <cmath>

namespace anime::training
{
namespace
{

template <typename Function>
Plane plane(const Plane &like, Function function)
{
    Plane out(like.width, like.height);
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = function(i);
    return out;
}

Picture mix(const Picture &one, const Picture &other, const Plane &part)
{
    Picture out = one;
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] += part[i] * (other[i] - one[i]);
    return out;
}

/// The colours of skin of all tones: a narrow band of hues from rose to brown, neither grey nor vivid.
Plane skin_colour(const Picture &picture)
{
    Plane out(picture.width, picture.height);
    for (std::size_t i = 0; i < out.size(); ++i) {
        const float chroma = std::hypot(picture[i][1], picture[i][2]);
        const float turn = std::atan2(picture[i][2], picture[i][1]) - 0.82F;
        const float hue = turn / (turn < 0 ? 0.55F : 0.38F);
        out[i] = ramp(chroma, 6, 12) * (1 - ramp(chroma, 46, 60)) * ramp(picture[i][0], 6, 18) *
                 std::exp(-hue * hue);
    }
    return out;
}

/// Where the photo is sharp: the fine gradient against the coarse one. Clouds and blurred backgrounds are
/// not.
Plane sharpness(const Plane &lightness)
{
    const Plane fine = blur(gradient(blur(lightness, 0.8F)), 1.5F);
    const Plane coarse = blur(gradient(blur(lightness, 2.6F)), 1.5F);
    return plane(fine, [&](std::size_t i) { return ramp(fine[i] / (coarse[i] + 0.15F), 0.90F, 1.45F); });
}

/// Smooths along the edges and sharpens across them, where there are any.
Picture cohere(Picture x, const Plane &sharp, const Plane &skin)
{
    for (int round = 0; round < 2; ++round) {
        const Flow flow = edge_flow(x, 1.8F);
        const Plane edge = plane(
            sharp, [&](std::size_t i) { return flow.anisotropy[i] * ramp(flow.strength[i], 0.5F, 2.0F); });
        x = mix(x, along(x, flow, 3.0F), edge);
        x = shock(x, flow, plane(sharp, [&](std::size_t i) {
                      return ramp(flow.strength[i], 0.3F, 1.5F) * (0.1F + 0.9F * sharp[i]) *
                             (1 - 0.6F * skin[i]);
                  }));
    }
    return x;
}

/// Dark hair and fur: what is thrown away elsewhere as texture is drawn as strands along its flow.
Picture strands(const Picture &x, const Picture &base, const Plane &busy)
{
    const Flow flow = edge_flow(base, 2.4F);
    const Picture drawn = along(base, flow, 4.5F);
    const Picture mean = blur(drawn, 5);
    const Plane dark = blur(channel(base, 0), 3);
    Picture out = x;
    for (std::size_t i = 0; i < out.size(); ++i) {
        // Leaves are dark too, but have colour.
        const float chroma = std::hypot(mean[i][1], mean[i][2]);
        const float part = 0.85F * (1 - ramp(dark[i], 28, 50)) * (1 - ramp(chroma, 18, 30)) *
                           ramp(flow.anisotropy[i], 0.2F, 0.55F) * ramp(busy[i], 0.5F, 1.8F);
        Lab strand = drawn[i];
        strand[0] = std::max(strand[0] + 0.55F * std::clamp(drawn[i][0] - mean[i][0], -7.0F, 12.0F), 0.0F);
        out[i] += part * (strand - out[i]);
    }
    return out;
}

Picture flatten(const Picture &base, const Plane &lightness, const Plane &sharp, const Plane &skin,
                const Plane &detail)
{
    const Flow flow = edge_flow(base, 2.0F);
    // Dark things have little contrast, so that a fixed range would wipe them out.
    const Plane range = plane(lightness, [&](std::size_t i) {
        return 3.5F + 5.5F * ramp(lightness[i], 12, 45) + 3 * skin[i] * (1 - 2 * detail[i]);
    });
    const Picture smooth = rolling_guidance(base, 2.6F, range, 4);
    const Plane mean = blur(lightness, 3);
    const Plane texture =
        blur(plane(mean, [&](std::size_t i) { return std::abs(lightness[i] - mean[i]); }), 6);
    const Plane dabbed = plane(texture, [&](std::size_t i) {
        const float part = 0.85F * ramp(texture[i], 1.2F, 4.0F) * (1 - 0.7F * skin[i]);
        return part < 0.02F ? 0 : part;
    });
    const Picture half = mix(smooth, base, plane(mean, [](std::size_t) { return 0.45F; }));
    const Picture rough = mix(smooth, dabs(half, flow, dabbed, 5), dabbed);
    Picture x = cohere(rough, sharp, skin);
    x = mix(x, rough, plane(texture, [&](std::size_t i) { return 0.6F * dabbed[i]; }));

    // Sparse detail comes back: things of strong contrast that are not one of a crowd, and features of faces.
    const Plane busy = deviation(lightness, 1.6F);
    x = strands(x, base, busy);
    const Plane crowd = blur(plane(busy, [&](std::size_t i) { return ramp(busy[i], 1.5F, 5); }), 10);
    const Plane keep = blur(plane(busy,
                                  [&](std::size_t i) {
                                      const float sparse =
                                          ramp(busy[i], 4, 11) * (1 - 0.8F * ramp(crowd[i], 0.55F, 0.85F));
                                      return std::max(0.65F * sparse, 0.9F * detail[i]);
                                  }),
                            1.0F);
    x = mix(x, base, keep);
    const Flow fine = edge_flow(x, 1.4F);
    return mix(x, along(x, fine, 1.1F), plane(keep, [&](std::size_t i) {
                   return fine.anisotropy[i] * ramp(fine.strength[i], 1.0F, 3.0F);
               }));
}

/// Gradient over all channels of the shapes, at the scale of shapes.
Plane borders(const Picture &flat)
{
    Plane sum(flat.width, flat.height);
    for (int c = 0; c < 3; ++c) {
        const Plane g = gradient(blur(channel(flat, c), 2.2F));
        for (std::size_t i = 0; i < sum.size(); ++i)
            sum[i] += (c == 0 ? 1.0F : 0.8F) * g[i] * g[i];
    }
    for (float &v : sum.cells)
        v = std::sqrt(v);
    return dilate3(sum);
}

Plane lines(const Picture &base, const Picture &flat, const Plane &border, const Plane &sharp,
            const Plane &skin, const Plane &feature)
{
    Picture source = base;
    for (std::size_t i = 0; i < source.size(); ++i)
        source[i] = 0.5F * (base[i] + flat[i]);
    const Flow flow = edge_flow(source, 2.2F);
    const Picture narrow = across(source, flow, 0.85F);
    const Picture wide = across(source, flow, 1.36F);
    Picture response(base.width, base.height);
    for (std::size_t i = 0; i < response.size(); ++i) {
        const Lab d = narrow[i] - wide[i];
        response[i][0] = d[0] - 0.6F * (std::abs(d[1]) + std::abs(d[2]));
    }
    response = along(response, flow, 3.5F);
    const Plane texture =
        blur(plane(skin, [&](std::size_t i) { return std::abs(base[i][0] - flat[i][0]); }), 5);
    Plane line = plane(skin, [&](std::size_t i) {
        const float threshold = 0.30F + 1.0F * ramp(texture[i], 1.0F, 4.0F);
        return ramp(-response[i][0], threshold, threshold + 1.9F) *
               (0.25F + 0.75F * ramp(flow.anisotropy[i], 0.25F, 0.7F));
    });
    // A thicket of lines reads as dirt: where they crowd, they fade.
    const Plane density = blur(line, 9);
    for (std::size_t i = 0; i < line.size(); ++i) {
        const float crowded = 1 - 0.88F * ramp(density[i], 0.10F, 0.26F) * (1 - 0.7F * feature[i]);
        // Silhouettes get the full line, creases a faint one, and creases of skin hardly any.
        const float plain =
            (0.42F + 0.50F * ramp(border[i], 1.0F, 3.6F)) * (0.30F + 0.70F * ramp(border[i], 0.5F, 1.8F));
        const float face = std::max(0.06F + 0.86F * ramp(border[i], 2.4F, 5.5F), 0.75F * feature[i]);
        const float weight = plain + skin[i] * (face - plain);
        line[i] = std::clamp(line[i] * crowded * weight * (0.15F + 0.85F * sharp[i]), 0.0F, 1.0F);
    }
    return line;
}

} // namespace

Drawing draw(const Picture &photo)
{
    Drawing d;
    Plane range(photo.width, photo.height, 6.0F);
    d.base = joint_bilateral(photo, photo, 2, 2, range);
    const Plane lightness = channel(d.base, 0);
    const Plane sharp = sharpness(lightness);

    const Plane colour = skin_colour(d.base);
    d.skin = blur(colour, 3);
    const Plane around = blur(colour, 6);
    const Plane busy = deviation(lightness, 1.6F);
    const Plane mean = blur(lightness, 5);
    d.feature = plane(colour, [&](std::size_t i) {
        return ramp(around[i], 0.22F, 0.50F) * ramp(busy[i], 2.8F, 6.5F) *
               ramp(mean[i] - lightness[i], -4.0F, 2.0F);
    });

    // Small faces have faint features: what is kept reaches further than what is drawn.
    const Plane detail = plane(
        colour, [&](std::size_t i) { return ramp(around[i], 0.22F, 0.50F) * ramp(busy[i], 2.0F, 4.6F); });
    d.flat = flatten(d.base, lightness, sharp, d.skin, detail);
    d.border = borders(d.flat);
    d.line = lines(d.base, d.flat, d.border, sharp, d.skin, d.feature);

    const Plane l = channel(d.flat, 0);
    d.lightness = guided(l, 6, 8);
    const Plane moving = blur(gradient(l), 8);
    const Plane near_sharp = blur(sharp, 6);
    d.shaded = plane(l, [&](std::size_t i) {
        return ramp(moving[i], 0.35F, 1.2F) * (0.25F + 0.75F * ramp(near_sharp[i], 0.1F, 0.45F)) *
               (1 - 0.3F * d.skin[i]);
    });
    return d;
}

} // namespace anime::training
