// SPDX-License-Identifier: LGPL-2.1-or-later
// The AnimeGANv2 generator (Chen, Liu, Chen: "AnimeGAN", version 2), named as in its PyTorch port. 77
// tensors.
#include "models/error.h"
#include "models/graph/graph_builder.h"

namespace anime
{

namespace
{

constexpr float slope = 0.2F;
constexpr float eps = 1e-5F;

/// The port's ConvNormLReLU: a Sequential of pad, conv, norm, activation.
int conv_norm_act(GraphBuilder &g, int x, const std::string &name, ConvShape shape)
{
    x = g.conv(x, name + ".1", shape);
    x = g.norm(x, name + ".2", eps);
    return g.activation(x, slope);
}

/// Expands by 2 with a 1×1 conv, filters each channel, projects without activation.
int inverted_residual(GraphBuilder &g, int x, const std::string &name, int channels)
{
    const int expanded = 2 * g.channels(x);
    int y = conv_norm_act(g, x, name + ".layers.0", {.kernel = 1, .channels = expanded, .bias = false});
    y = conv_norm_act(g, y, name + ".layers.1", {.channels = expanded, .groups = expanded});
    y = g.conv(y, name + ".layers.2", {.kernel = 1, .channels = channels, .bias = false});
    y = g.norm(y, name + ".layers.3", eps);
    return g.channels(x) == channels ? g.add(x, y) : y;
}

} // namespace

Graph build_animeganv2(const WeightMap &weights, std::optional<Upsampling> upsampling)
{
    GraphBuilder g("animeganv2", weights);
    if (!upsampling)
        g.invalid("the metadata has no 'upsampling' (legacy, align-corners or half-pixel)");

    int x = g.input();
    x = conv_norm_act(g, x, "block_a.0", {.kernel = 7, .channels = 32, .bias = false});
    x = conv_norm_act(g, x, "block_a.1", {.stride = 2, .channels = 64, .bias = false});
    x = conv_norm_act(g, x, "block_a.2", {.channels = 64, .bias = false});

    x = conv_norm_act(g, x, "block_b.0", {.stride = 2, .channels = 128, .bias = false});
    x = conv_norm_act(g, x, "block_b.1", {.channels = 128, .bias = false});

    x = conv_norm_act(g, x, "block_c.0", {.channels = 128, .bias = false});
    for (const char *name : {"block_c.1", "block_c.2", "block_c.3", "block_c.4"})
        x = inverted_residual(g, x, name, 256);
    x = conv_norm_act(g, x, "block_c.5", {.channels = 128, .bias = false});

    x = g.upsample(x, *upsampling);
    x = conv_norm_act(g, x, "block_d.0", {.channels = 128, .bias = false});
    x = conv_norm_act(g, x, "block_d.1", {.channels = 128, .bias = false});

    x = g.upsample(x, *upsampling);
    x = conv_norm_act(g, x, "block_e.0", {.channels = 64, .bias = false});
    x = conv_norm_act(g, x, "block_e.1", {.channels = 64, .bias = false});
    x = conv_norm_act(g, x, "block_e.2", {.kernel = 7, .channels = 32, .bias = false});

    x = g.conv(x, "out_layer.0", {.kernel = 1, .channels = 3, .bias = false});
    g.tanh(x);
    return g.finish();
}

} // namespace anime
