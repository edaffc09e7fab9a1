// SPDX-License-Identifier: LGPL-2.1-or-later
// The AnimeGANv2 generator from a published state dict (.pt).
#include "models/training/teacher.h"

#include "models/training/padding.h"

#include <glib.h>
#include <torch/csrc/jit/serialization/pickle.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>

namespace anime::training
{
namespace
{

at::Tensor upsample_legacy(const at::Tensor &x, int64_t dim)
{
    const int64_t n = x.size(dim);
    const at::Tensor next = at::cat({x.slice(dim, 1, n), x.slice(dim, n - 1, n)}, dim);
    std::vector<int64_t> shape = x.sizes().vec();
    shape[static_cast<std::size_t>(dim)] = 2 * n;
    return at::stack({x, (x + next) / 2}, dim + 1).reshape(shape);
}

at::Tensor upsample(const at::Tensor &x)
{
    return upsample_legacy(upsample_legacy(x, 2), 3).contiguous(at::MemoryFormat::ChannelsLast);
}

} // namespace

Teacher::Teacher(const std::string &path, at::ScalarType type, const at::Device &device)
    : type_(type), name_(std::filesystem::path(path).stem().string())
{
    std::ifstream file(path, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    if (bytes.empty()) {
        throw std::runtime_error(path + ": cannot be read");
    }
    std::unique_ptr<char, decltype(&g_free)> digest(
        g_compute_checksum_for_data(G_CHECKSUM_SHA256, reinterpret_cast<const guchar *>(bytes.data()),
                                    bytes.size()),
        g_free);
    sha256_ = digest.get();
    const c10::IValue value = torch::jit::pickle_load(bytes);
    if (!value.isGenericDict()) {
        throw std::runtime_error(path + ": not a state dict");
    }
    for (const auto &entry : value.toGenericDict()) {
        at::Tensor tensor = entry.value().toTensor();
        if (tensor.dim() == 4) {
            tensor = tensor.to(type, false, false, at::MemoryFormat::ChannelsLast);
        }
        weights_[entry.key().toStringRef()] = tensor.to(device);
    }
}

const at::Tensor &Teacher::weight(const std::string &name) const
{
    const auto found = weights_.find(name);
    if (found == weights_.end()) {
        throw std::runtime_error(name_ + ": no tensor named " + name);
    }
    return found->second;
}

at::Tensor Teacher::conv(const at::Tensor &x, const std::string &name, int stride, bool grouped) const
{
    const at::Tensor &w = weight(name + ".weight");
    const int64_t pad = w.size(2) / 2;
    at::Tensor padded = x;
    if (stride == 2) {
        padded = reflect(x, 0, 1);
    } else if (pad > 0) {
        padded = reflect(x, pad, pad);
    }
    const auto bias = weights_.find(name + ".bias");
    const std::array<int64_t, 2> strides = {stride, stride};
    const std::array<int64_t, 2> none = {0, 0};
    const std::array<int64_t, 2> dilation = {1, 1};
    return at::conv2d(padded, w, bias == weights_.end() ? at::Tensor() : bias->second.to(type_), strides,
                      none, dilation, grouped ? w.size(0) : 1);
}

at::Tensor Teacher::norm(const at::Tensor &x, const std::string &name, bool activate) const
{
    at::Tensor mean;
    at::Tensor power;
    if (x.size(0) == 1 && !x.requires_grad()) {
        // Statistics per channel, joined afterwards: much the fastest way that libtorch 1.13 has for channels
        // last.
        const auto [means, variances] = at::batch_norm_update_stats(x, {}, {}, 0);
        mean = means.to(at::kFloat).mean().view({1, 1, 1, 1});
        power = (variances.to(at::kFloat) + means.to(at::kFloat).square()).mean().view({1, 1, 1, 1});
    } else {
        mean = x.mean({1, 2, 3}, true, at::kFloat);
        power = x.to(at::kFloat).square().mean({1, 2, 3}, true);
    }
    const at::Tensor scale =
        weight(name + ".weight").view({1, -1, 1, 1}) * at::rsqrt((power - mean * mean).clamp_min(0) + 1e-5);
    const at::Tensor shift = weight(name + ".bias").view({1, -1, 1, 1}) - mean * scale;
    const at::Tensor y = at::addcmul(shift.to(x.scalar_type()), x, scale.to(x.scalar_type()));
    return activate ? at::leaky_relu(y, 0.2) : y;
}

at::Tensor Teacher::layer(const at::Tensor &x, const std::string &name, int stride) const
{
    return norm(conv(x, name + ".1", stride, false), name + ".2", true);
}

at::Tensor Teacher::residual(const at::Tensor &x, const std::string &name) const
{
    const std::string layers = name + ".layers.";
    at::Tensor y = layer(x, layers + "0");
    y = norm(conv(y, layers + "1.1", 1, true), layers + "1.2", true);
    y = norm(conv(y, layers + "2", 1, false), layers + "3", false);
    return y.size(1) == x.size(1) ? x + y : y;
}

at::Tensor Teacher::paint(const at::Tensor &photo) const
{
    at::Tensor x = photo.to(type_).contiguous(at::MemoryFormat::ChannelsLast);
    x = layer(x, "block_a.0");
    x = layer(x, "block_a.1", 2);
    x = layer(x, "block_a.2");
    x = layer(x, "block_b.0", 2);
    x = layer(x, "block_b.1");
    x = layer(x, "block_c.0");
    for (int i = 1; i <= 4; ++i) {
        x = residual(x, "block_c." + std::to_string(i));
    }
    x = layer(x, "block_c.5");
    x = upsample(x);
    x = layer(x, "block_d.0");
    x = layer(x, "block_d.1");
    x = upsample(x);
    x = layer(x, "block_e.0");
    x = layer(x, "block_e.1");
    x = layer(x, "block_e.2");
    return at::tanh(conv(x, "out_layer.0", 1, false).to(at::kFloat)).contiguous();
}

std::vector<at::Tensor> Teacher::features(const at::Tensor &picture) const
{
    const at::Tensor first = layer(picture.to(type_).contiguous(at::MemoryFormat::ChannelsLast), "block_a.0");
    return {first, layer(first, "block_a.1", 2)};
}

} // namespace anime::training
