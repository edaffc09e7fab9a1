// SPDX-License-Identifier: LGPL-2.1-or-later
// The "lite" network as training sees it.
#include "models/training/student.h"

#include "models/training/padding.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cmath>
#include <stdexcept>

namespace anime::training
{
namespace
{

constexpr double slope = 0.2;
constexpr int64_t thumbnail_side = 48;

struct Layer {
    const char *name;
    int64_t in;
    int64_t out;
    int64_t kernel; ///< 0: linear
    double gain;    ///< of the initial weights, relative to He
};

// The blocks' second convs start small, so that the residual sum starts as the identity.
constexpr Layer layers[] = {
    {"global.conv1", 3, 16, 3, 1},    {"global.conv2", 16, 32, 3, 1},   {"global.conv3", 32, 64, 3, 1},
    {"global.fc1", 64, 64, 0, 1},     {"global.fc2", 64, 224, 0, 0},    {"stem", 12, 32, 3, 1},
    {"down", 32, 48, 3, 1},           {"block1.conv1", 48, 48, 3, 1},   {"block1.conv2", 48, 48, 1, 0.3},
    {"block2.conv1", 48, 48, 3, 1},   {"block2.conv2", 48, 48, 1, 0.3}, {"block3.conv1", 48, 48, 3, 1},
    {"block3.conv2", 48, 48, 1, 0.3}, {"block4.conv1", 48, 48, 3, 1},   {"block4.conv2", 48, 48, 1, 0.3},
    {"up", 48, 32, 1, 0.7},           {"head1", 32, 32, 3, 1},          {"head2", 32, 12, 3, 0.3},
};

at::Tensor activate(const at::Tensor &x)
{
    return at::leaky_relu(x, slope);
}

/// `v` holds gamma and beta of `channels` channels each, from `offset`.
at::Tensor modulate(const at::Tensor &x, const at::Tensor &v, int64_t offset)
{
    const int64_t channels = x.size(1);
    const at::Tensor gamma = v.slice(1, offset, offset + channels).view({-1, channels, 1, 1});
    const at::Tensor beta = v.slice(1, offset + channels, offset + 2 * channels).view({-1, channels, 1, 1});
    return at::addcmul(beta.to(x.scalar_type()), x, (gamma + 1).to(x.scalar_type()));
}

} // namespace

Parameters on_device(const Parameters &parameters, const at::Device &device)
{
    Parameters moved;
    for (const auto &[name, tensor] : parameters) {
        moved.emplace_back(name, tensor.to(device));
    }
    return moved;
}

Student::Student(std::uint64_t seed)
{
    const at::Generator generator = at::detail::createCPUGenerator(seed);
    for (const Layer &layer : layers) {
        const int64_t taps = std::max<int64_t>(layer.kernel * layer.kernel, 1);
        const double deviation =
            layer.gain * std::sqrt(2 / ((1 + slope * slope) * static_cast<double>(layer.in * taps)));
        std::vector<int64_t> shape = {layer.out, layer.in};
        if (layer.kernel > 0) {
            shape.insert(shape.end(), {layer.kernel, layer.kernel});
        }
        const std::string name = layer.name;
        parameters_.emplace_back(name + ".weight", at::randn(shape, generator) * deviation);
        parameters_.emplace_back(name + ".bias", at::zeros({layer.out}));
    }
}

Student::Student(Parameters parameters) : parameters_(std::move(parameters)) {}

const at::Tensor &Student::parameter(const std::string &name) const
{
    for (const auto &[key, tensor] : parameters_) {
        if (key == name) {
            return tensor;
        }
    }
    throw std::runtime_error("the student has no parameter named " + name);
}

at::Tensor Student::conv(const at::Tensor &x, const std::string &name, int stride) const
{
    const at::Tensor weight =
        parameter(name + ".weight").to(x.scalar_type(), false, false, at::MemoryFormat::ChannelsLast);
    const at::Tensor bias = parameter(name + ".bias").to(x.scalar_type());
    at::Tensor padded = x;
    if (weight.size(2) == 3) {
        padded = stride == 2 ? reflect(x, 0, 1) : reflect(x, 1, 1);
    }
    return at::convolution(padded, weight, bias, {stride, stride}, {0, 0}, {1, 1}, false, {0, 0}, 1);
}

at::Tensor Student::global(const at::Tensor &thumbnail) const
{
    at::Tensor t = thumbnail.contiguous(at::MemoryFormat::ChannelsLast);
    for (const char *name : {"global.conv1", "global.conv2", "global.conv3"}) {
        t = activate(conv(t, name, 2));
    }
    t = activate(at::linear(t.mean({2, 3}), parameter("global.fc1.weight"), parameter("global.fc1.bias")));
    return at::linear(t, parameter("global.fc2.weight"), parameter("global.fc2.bias"));
}

at::Tensor Student::paint(const at::Tensor &photo, const at::Tensor &thumbnail, at::ScalarType type) const
{
    const at::Tensor v = global(thumbnail);
    at::Tensor u = at::pixel_unshuffle(photo, 2).to(type, false, false, at::MemoryFormat::ChannelsLast);
    const at::Tensor s = activate(modulate(conv(u, "stem"), v, 0));
    at::Tensor e = activate(modulate(conv(s, "down", 2), v, 64));
    for (const char *block : {"block1", "block2", "block3", "block4"}) {
        const std::string name = block;
        e = e + conv(activate(conv(e, name + ".conv1")), name + ".conv2");
    }
    const at::Tensor m = conv(e, "up");
    const at::Tensor wide = at::upsample_bilinear2d(m, {2 * m.size(2), 2 * m.size(3)}, false);
    at::Tensor h = activate(wide + s);
    h = activate(modulate(conv(h, "head1"), v, 160));
    return at::pixel_shuffle(conv(h, "head2").to(at::kFloat).contiguous(), 2);
}

at::Tensor thumbnail_of(const at::Tensor &photo)
{
    return at::adaptive_avg_pool2d(photo, {thumbnail_side, thumbnail_side});
}

} // namespace anime::training
