// SPDX-License-Identifier: LGPL-2.1-or-later
// A network as a list of named operations on values. Architectures (animeganv2.cpp, lite.cpp) build one from
// named weights; executors run one. A node's value has the node's index, and a node only uses values before
// it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace anime
{

/// A named constant in float32, row-major, shape as in PyTorch (conv weights O, I/groups, kH, kW).
struct Weight {
    std::string name;
    std::vector<std::int64_t> shape;
    std::vector<float> data;
};
using WeightPtr = std::shared_ptr<const Weight>;

enum class Op {
    input,     ///< RGB, (3, H, W), [-1, 1]
    unshuffle, ///< (C, H, W) → (C·factor², H/factor, W/factor), channel order as torch.pixel_unshuffle
    shuffle,   ///< inverse of unshuffle
    conv,      ///< weight, optional bias, stride, groups, padding before it
    norm, ///< over the whole image and all channels: (x − mean) / sqrt(var + eps) · gamma[c] + beta[c]
    activation, ///< max(x, slope · x)
    add,        ///< inputs[0] + inputs[1]
    upsample,   ///< ×2, `upsampling`
    tanh,
    clamp,        ///< to [-1, 1]
    thumbnail,    ///< area mean of the whole image to factor × factor
    spatial_mean, ///< (C, H, W) → (C)
    linear,       ///< vector: weight (O, I), bias (O)
    modulate,     ///< x[c] · (1 + v[offset + c]) + v[offset + channels + c], inputs: x, v
};

enum class Padding { none, reflect };

/// Where the samples of a ×2 bilinear upsampling lie; checkpoints differ (PyTorch's align_corners,
/// TensorFlow's legacy).
enum class Upsampling {
    legacy,        ///< out[2i] = x[i], out[2i+1] = (x[i] + x[i+1]) / 2, last row and column replicated
    align_corners, ///< source = i · (n − 1) / (2n − 1)
    half_pixel,    ///< source = (i + ½) / 2 − ½
};

/// The range of a conv's input per input channel, from calibration photos: quantised as lo + q · (hi − lo) /
/// 255.
struct InputRange {
    std::vector<float> lo;
    std::vector<float> hi;
    std::vector<float> mean = {}; ///< empty where it was not measured
};

struct Node {
    Op op = Op::input;
    std::string name = {};        ///< as in the weights file, without ".weight"
    std::vector<int> inputs = {}; ///< indexes of earlier nodes
    int channels = 0;             ///< of the node's value

    WeightPtr weight = {}; ///< conv, linear: weights; norm: gamma
    WeightPtr bias = {};   ///< conv, linear: bias or null; norm: beta
    int kernel = 1;
    int stride = 1;
    int groups = 1;
    Padding padding = Padding::none;
    std::array<int, 4> pad = {0, 0, 0, 0};        ///< left, right, top, bottom
    std::shared_ptr<const InputRange> range = {}; ///< conv: null where the model was not calibrated
    float slope = 0;                              ///< activation
    float eps = 0;                                ///< norm
    int factor = 1;                               ///< shuffle, unshuffle, thumbnail
    Upsampling upsampling = Upsampling::legacy;   ///< upsample
    int offset = 0;                               ///< modulate
};

struct Graph {
    std::vector<Node> nodes; ///< the last one is the output, (3, H, W) in [-1, 1]
    int multiple = 4;        ///< H and W have to be multiples of it
    int minimum = 4;         ///< smallest H and W that the reflect pads allow
};

} // namespace anime
