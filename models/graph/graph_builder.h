// SPDX-License-Identifier: LGPL-2.1-or-later
// What the architectures are written with: appends operations to a graph and checks each weight as it is
// used.
#pragma once

#include "models/graph/architectures.h"

#include <set>
#include <string>
#include <vector>

namespace anime
{

/// How a convolution has to look. Its number of output channels may be left to the weights.
struct ConvShape {
    static constexpr int from_weights = 0;

    int kernel = 3;
    int stride = 1; ///< 2 pads right and bottom only, as TensorFlow does
    int channels = from_weights;
    int groups = 1;
    bool bias = true;
};

/// Every function appends one node and returns its index. A weight that is missing, has another shape or a
/// value that is not finite throws Error model-invalid, which names it.
class GraphBuilder
{
public:
    GraphBuilder(std::string architecture, const WeightMap &weights);

    int input();
    int unshuffle(int x, int factor);
    int shuffle(int x, int factor);
    int conv(int x, const std::string &name, const ConvShape &shape);
    int norm(int x, const std::string &name, float eps);
    int activation(int x, float slope);
    int add(int a, int b);
    int upsample(int x, Upsampling upsampling);
    int tanh(int x);
    int clamp(int x);
    int thumbnail(int x, int side);
    int spatial_mean(int x);
    int linear(int x, const std::string &name);
    int modulate(int x, int vector, int offset);

    int channels(int node) const { return graph_.nodes[node].channels; }
    bool has(const std::string &tensor) const { return weights_.contains(tensor); }

    [[noreturn]] void invalid(const std::string &what) const;

    /// Refuses tensors that nothing used, and a last node that is not a picture.
    Graph finish();

private:
    /// Height and width of a value: the picture's divided by `divisor`, or, where that is 0, `side`.
    struct Extent {
        int divisor = 1;
        int side = 0;

        bool operator==(const Extent &) const = default;
    };

    int append(Node node, Extent extent);
    int append_like(Op op, int x);
    WeightPtr take(const std::string &name, const std::vector<std::int64_t> &shape);
    std::shared_ptr<const InputRange> take_range(const std::string &name, int channels);

    std::string architecture_;
    const WeightMap &weights_;
    std::set<std::string, std::less<>> used_;
    std::vector<Extent> extents_;
    Graph graph_;
};

} // namespace anime
