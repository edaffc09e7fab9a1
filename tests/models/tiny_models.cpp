// SPDX-License-Identifier: LGPL-2.1-or-later
// Models that tests make for themselves.
#include "tests/models/tiny_models.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <random>

namespace anime::test
{

namespace
{

void put(Safetensors &model, WeightPtr weight)
{
    model.tensors[weight->name] = weight;
}

/// Scaled so that values neither vanish nor grow from layer to layer.
void put_conv(Safetensors &model, const std::string &name, int out, int in, int kernel, bool bias)
{
    const float spread = std::sqrt(3.0F / static_cast<float>(in * kernel * kernel));
    put(model, random_tensor(name + ".weight", {out, in, kernel, kernel}, spread));
    if (bias)
        put(model, random_tensor(name + ".bias", {out}, 0.1F));
}

void put_norm(Safetensors &model, const std::string &name, int channels)
{
    put(model, random_tensor(name + ".weight", {channels}, 0.5F, 1.0F));
    put(model, random_tensor(name + ".bias", {channels}, 0.2F));
}

void put_linear(Safetensors &model, const std::string &name, int out, int in)
{
    put(model, random_tensor(name + ".weight", {out, in}, std::sqrt(1.0F / static_cast<float>(in))));
    put(model, random_tensor(name + ".bias", {out}, 0.1F));
}

} // namespace

WeightPtr random_tensor(const std::string &name, const std::vector<std::int64_t> &shape, float spread,
                        float centre)
{
    std::size_t count = 1;
    for (std::int64_t n : shape)
        count *= static_cast<std::size_t>(n);
    std::mt19937 engine(static_cast<unsigned>(std::hash<std::string>{}(name)));
    std::vector<float> values(count);
    // std::uniform_real_distribution may differ between libraries; this doesn't.
    for (float &value : values)
        value = centre + spread * (static_cast<float>(engine() >> 8) / float(1 << 23) - 1.0F);
    return tensor(name, shape, values);
}

WeightPtr tensor(const std::string &name, const std::vector<std::int64_t> &shape,
                 const std::vector<float> &values)
{
    return std::make_shared<Weight>(Weight{name, shape, values});
}

Safetensors lite_model(int stem, int down, int blocks, bool calibrated, int side)
{
    Safetensors model;
    model.metadata = {{"architecture", "lite"}, {"name", "tiny"}, {"licence", "CC0"}, {"face_size", "64"}};
    put_conv(model, "global.conv1", 4, 3, 3, true);
    put_conv(model, "global.conv2", 4, 4, 3, true);
    put_conv(model, "global.conv3", 8, 4, 3, true);
    put_linear(model, "global.fc1", 8, 8);
    put_linear(model, "global.fc2", 2 * (stem + down + stem), 8);
    put_conv(model, "stem", stem, 3 * side * side, 3, true);
    put_conv(model, "down", down, stem, 3, true);
    for (int n = 1; n <= blocks; ++n) {
        const std::string block = "block" + std::to_string(n);
        put_conv(model, block + ".conv1", down, down, 3, true);
        put_conv(model, block + ".conv2", down, down, 1, true);
    }
    put_conv(model, "up", stem, down, 1, true);
    put_conv(model, "head1", stem, stem, 3, true);
    put_conv(model, "head2", 3 * side * side, stem, 3, true);
    if (calibrated) {
        for (const auto &[name, weight] : WeightMap(model.tensors)) {
            if (weight->shape.size() != 4)
                continue;
            const std::string conv = name.substr(0, name.size() - std::string(".weight").size());
            const std::vector<std::int64_t> channels = {weight->shape[1]};
            put(model, random_tensor(conv + ".input_lo", channels, 0.5F, -1.0F));
            put(model, random_tensor(conv + ".input_hi", channels, 0.5F, 1.0F));
        }
    }
    return model;
}

Safetensors animeganv2_model(Upsampling upsampling)
{
    Safetensors model;
    model.metadata = {{"architecture", "animeganv2"}, {"upsampling", to_string(upsampling)}};
    const auto block = [&](const std::string &name, int out, int in, int kernel = 3) {
        put_conv(model, name + ".1", out, in, kernel, false);
        put_norm(model, name + ".2", out);
    };
    block("block_a.0", 32, 3, 7);
    block("block_a.1", 64, 32);
    block("block_a.2", 64, 64);
    block("block_b.0", 128, 64);
    block("block_b.1", 128, 128);
    block("block_c.0", 128, 128);
    for (int n = 1; n <= 4; ++n) {
        const std::string name = "block_c." + std::to_string(n) + ".layers";
        const int in = n == 1 ? 128 : 256;
        block(name + ".0", 2 * in, in, 1);
        put_conv(model, name + ".1.1", 2 * in, 1, 3, true);
        put_norm(model, name + ".1.2", 2 * in);
        put_conv(model, name + ".2", 256, 2 * in, 1, false);
        put_norm(model, name + ".3", 256);
    }
    block("block_c.5", 128, 256);
    block("block_d.0", 128, 128);
    block("block_d.1", 128, 128);
    block("block_e.0", 64, 128);
    block("block_e.1", 64, 64);
    block("block_e.2", 32, 64, 7);
    put_conv(model, "out_layer.0", 3, 32, 1, false);
    return model;
}

Planes picture(int height, int width)
{
    Planes p(3, height, width);
    for (int c = 0; c < 3; ++c)
        for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x)
                p.at(c, y, x) = 0.7F * std::sin(0.21F * float(x) + 0.5F * float(c)) *
                                    std::cos(0.17F * float(y) - 0.3F * float(c)) +
                                ((x / 3 + y / 5 + c) % 2 ? 0.25F : -0.25F);
    return p;
}

float max_difference(const Planes &a, const Planes &b)
{
    if (a.data.size() != b.data.size())
        return INFINITY;
    float largest = 0;
    for (std::size_t i = 0; i < a.data.size(); ++i)
        largest = std::max(largest, std::abs(a.data[i] - b.data[i]));
    return largest;
}

} // namespace anime::test
