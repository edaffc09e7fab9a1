// SPDX-License-Identifier: LGPL-2.1-or-later
// Packs weights.
#include "plugins/torch/cuda/packing.h"

#include "models/compiler/phases.h"
#include "plugins/torch/cuda/both.h"

#include <cstring>

namespace anime::cuda
{

namespace
{

/// What cuDNN and 16-byte loads want.
constexpr std::size_t alignment = 256;

std::string key_of(const char *what, const void *node)
{
    return what + std::to_string(reinterpret_cast<std::uintptr_t>(node));
}

} // namespace

template <typename Make>
std::size_t Packing::add(const std::string &key, bool as_floats, Make make)
{
    const auto known = places_.find(key);
    if (known != places_.end())
        return known->second;
    const std::vector<float> values = make();
    const std::size_t place = (bytes_.size() + alignment - 1) / alignment * alignment;
    const std::size_t size = as_floats ? sizeof(float) : element_size();
    bytes_.resize(place + values.size() * size);
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (size == sizeof(float)) {
            std::memcpy(bytes_.data() + place + i * size, &values[i], size);
        } else {
            Half half{};
            from_float(values[i], half);
            std::memcpy(bytes_.data() + place + i * size, &half, size);
        }
    }
    places_[key] = place;
    return place;
}

std::size_t Packing::convolution(const Node &node, const PackedShape &shape)
{
    return add(key_of("conv ", &node), false, [&] {
        const int inputs = static_cast<int>(node.weight->shape[1]);
        const int k = node.kernel;
        const std::size_t wide_in = static_cast<std::size_t>(shape.fold) * shape.in_channels;
        std::vector<float> out(shape.fold * shape.channels * shape.kernel_height * shape.kernel_width *
                               wide_in);
        for (int to = 0; to < shape.fold; ++to)
            for (int o = 0; o < node.channels; ++o)
                for (int i = 0; i < inputs; ++i)
                    for (int y = 0; y < k; ++y)
                        for (int x = 0; x < k; ++x) {
                            // Output pixel `to` of a folded one reads the pixels from `to` on.
                            const int column = (to + x) / shape.fold;
                            const int from = (to + x) % shape.fold;
                            const std::size_t row =
                                static_cast<std::size_t>(to * shape.channels + o) * shape.kernel_height + y;
                            out[(row * shape.kernel_width + column) * wide_in + from * shape.in_channels +
                                i] = node.weight
                                         ->data[((static_cast<std::size_t>(o) * inputs + i) * k + y) * k + x];
                        }
        return out;
    });
}

std::size_t Packing::phases(const Node &node, int in_channels, int channels)
{
    return add(key_of("phases ", &node), false, [&] {
        const int inputs = static_cast<int>(node.weight->shape[1]);
        std::vector<float> out(std::size_t{4} * channels * 9 * in_channels);
        for (int row : {0, 1})
            for (int column : {0, 1}) {
                const compiler::Phase phase = compiler::make_phase(node.weight->data, row, column);
                for (int o = 0; o < node.channels; ++o)
                    for (int i = 0; i < inputs; ++i)
                        for (int y = 0; y < phase.height; ++y)
                            for (int x = 0; x < phase.width; ++x) {
                                // An odd phase has no tap before its pixel.
                                const std::size_t tap = (y + row) * 3 + x + column;
                                const std::size_t to = (row * 2 + column) * channels + o;
                                const std::size_t from = static_cast<std::size_t>(o) * inputs + i;
                                out[(to * 9 + tap) * in_channels + i] =
                                    phase.weights[(from * phase.height + y) * phase.width + x];
                            }
            }
        return out;
    });
}

std::size_t Packing::depthwise(const Node &node)
{
    return add(key_of("depthwise ", &node), true, [&] {
        std::vector<float> out(node.weight->data.size());
        for (int c = 0; c < node.channels; ++c)
            for (int tap = 0; tap < 9; ++tap)
                out[static_cast<std::size_t>(tap) * node.channels + c] = node.weight->data[c * 9 + tap];
        return out;
    });
}

std::size_t Packing::floats(const Weight &weight, std::size_t row, std::size_t padded)
{
    return add(key_of("floats ", &weight), true, [&] {
        const std::size_t rows = weight.data.size() / row;
        std::vector<float> out(rows * padded);
        for (std::size_t r = 0; r < rows; ++r)
            std::memcpy(out.data() + r * padded, weight.data.data() + r * row, row * sizeof(float));
        return out;
    });
}

} // namespace anime::cuda
