// SPDX-License-Identifier: LGPL-2.1-or-later
// The student. A small net at half and quarter size paints (at a quarter and an eighth where its weights are
// those of the quick one for live video); a global branch, which sees the whole picture as
// a thumbnail, sets scale and bias of three of its convs, because the teacher's colours depend on all of it.
#include "models/error.h"
#include "models/graph/graph_builder.h"

namespace anime
{

namespace
{

constexpr float slope = 0.2F;
constexpr int thumbnail_side = 48;

int conv_act(GraphBuilder &g, int x, const std::string &name, const ConvShape &shape)
{
    return g.activation(g.conv(x, name, shape), slope);
}

/// The side of the blocks of pixels that the stem reads as channels.
int block_side(const WeightMap &weights)
{
    const auto stem = weights.find("stem.weight");
    const bool quick =
        stem != weights.end() && stem->second->shape.size() == 4 && stem->second->shape[1] == 48;
    return quick ? 4 : 2;
}

} // namespace

Graph build_lite(const WeightMap &weights, std::optional<Upsampling> upsampling)
{
    GraphBuilder g("lite", weights);
    if (upsampling && *upsampling != Upsampling::half_pixel)
        g.invalid(std::string("its upsampling is half-pixel, not ") + to_string(*upsampling));

    const int picture = g.input();
    int v = g.thumbnail(picture, thumbnail_side);
    v = conv_act(g, v, "global.conv1", {.stride = 2});
    v = conv_act(g, v, "global.conv2", {.stride = 2});
    v = conv_act(g, v, "global.conv3", {.stride = 2});
    v = g.spatial_mean(v);
    v = g.activation(g.linear(v, "global.fc1"), slope);
    v = g.linear(v, "global.fc2");

    // v holds, for each conv that it steers, the scales and then the biases of that conv's channels.
    int offset = 0;
    const auto steered = [&](int x, const std::string &name, const ConvShape &shape) {
        const int y = g.modulate(g.conv(x, name, shape), v, offset);
        offset += 2 * g.channels(y);
        return g.activation(y, slope);
    };

    const int side = block_side(weights);
    const int skip = steered(g.unshuffle(picture, side), "stem", {});
    int x = steered(skip, "down", {.stride = 2});
    const int width = g.channels(x);
    for (int n = 1; g.has("block" + std::to_string(n) + ".conv1.weight"); ++n) {
        const std::string block = "block" + std::to_string(n);
        const int inner = conv_act(g, x, block + ".conv1", {.channels = width});
        x = g.add(x, g.conv(inner, block + ".conv2", {.kernel = 1, .channels = width}));
    }
    x = g.conv(x, "up", {.kernel = 1, .channels = g.channels(skip)});
    x = g.upsample(x, Upsampling::half_pixel);
    x = g.activation(g.add(x, skip), slope);
    x = steered(x, "head1", {});
    if (g.channels(v) != offset)
        g.invalid("'global.fc2' gives " + std::to_string(g.channels(v)) + " values instead of " +
                  std::to_string(offset));
    x = g.conv(x, "head2", {.channels = 3 * side * side});
    g.clamp(g.shuffle(x, side));
    return g.finish();
}

} // namespace anime
