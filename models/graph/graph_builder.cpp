// SPDX-License-Identifier: LGPL-2.1-or-later
// Appends operations to a graph and checks each weight as it is used.
#include "models/graph/graph_builder.h"

#include "models/error.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace anime
{

namespace
{

/// A dimension that a weight may choose itself, within what a layer can reasonably have.
constexpr std::int64_t any = -1;
constexpr std::int64_t max_channels = 4096;

std::string text(const std::vector<std::int64_t> &shape)
{
    std::string out = "[";
    for (std::int64_t n : shape)
        out += (out.size() > 1 ? ", " : "") + (n == any ? std::string("n") : std::to_string(n));
    return out + "]";
}

bool fits(const std::vector<std::int64_t> &shape, const std::vector<std::int64_t> &wanted)
{
    return std::equal(shape.begin(), shape.end(), wanted.begin(), wanted.end(),
                      [](std::int64_t n, std::int64_t want) {
                          return want == any ? n >= 1 && n <= max_channels : n == want;
                      });
}

} // namespace

GraphBuilder::GraphBuilder(std::string architecture, const WeightMap &weights)
    : architecture_(std::move(architecture)), weights_(weights)
{
    // The graph says what its pads and strides need; see append().
    graph_.multiple = 1;
    graph_.minimum = 1;
}

void GraphBuilder::invalid(const std::string &what) const
{
    throw Error("model-invalid",
                "These are not the weights of a '" + architecture_ + "' model: " + what + ".",
                "Convert or download the model again.");
}

WeightPtr GraphBuilder::take(const std::string &name, const std::vector<std::int64_t> &shape)
{
    const auto found = weights_.find(name);
    if (found == weights_.end())
        invalid("the tensor '" + name + "' is missing");
    const WeightPtr &weight = found->second;
    if (!fits(weight->shape, shape))
        invalid("the tensor '" + name + "' has the shape " + text(weight->shape) + " instead of " +
                text(shape));

    std::size_t count = 1;
    for (std::int64_t n : weight->shape)
        count *= static_cast<std::size_t>(n);
    if (weight->data.size() != count)
        invalid("the tensor '" + name + "' has " + std::to_string(weight->data.size()) +
                " values instead of " + std::to_string(count));
    if (!std::all_of(weight->data.begin(), weight->data.end(), [](float v) { return std::isfinite(v); }))
        invalid("the tensor '" + name + "' has values that are not finite");
    used_.insert(name);
    return weight;
}

std::shared_ptr<const InputRange> GraphBuilder::take_range(const std::string &name, int channels)
{
    if (!has(name + ".input_lo") && !has(name + ".input_hi"))
        return nullptr;
    const WeightPtr lo = take(name + ".input_lo", {channels});
    const WeightPtr hi = take(name + ".input_hi", {channels});
    for (int c = 0; c < channels; ++c)
        if (lo->data[c] > hi->data[c])
            invalid("the range '" + name + ".input_lo' … '" + name + ".input_hi' is empty in channel " +
                    std::to_string(c));
    InputRange range{lo->data, hi->data};
    if (has(name + ".input_mean"))
        range.mean = take(name + ".input_mean", {channels})->data;
    return std::make_shared<const InputRange>(std::move(range));
}

int GraphBuilder::append(Node node, Extent extent)
{
    graph_.nodes.push_back(std::move(node));
    extents_.push_back(extent);
    graph_.multiple = std::max(graph_.multiple, extent.divisor);
    graph_.minimum = std::max(graph_.minimum, extent.divisor);
    return static_cast<int>(graph_.nodes.size()) - 1;
}

int GraphBuilder::append_like(Op op, int x)
{
    Node node;
    node.op = op;
    node.inputs = {x};
    node.channels = channels(x);
    return append(std::move(node), extents_[x]);
}

int GraphBuilder::input()
{
    Node node;
    node.op = Op::input;
    node.name = "input";
    node.channels = 3;
    return append(std::move(node), {});
}

int GraphBuilder::unshuffle(int x, int factor)
{
    Node node;
    node.op = Op::unshuffle;
    node.inputs = {x};
    node.channels = channels(x) * factor * factor;
    node.factor = factor;
    return append(std::move(node), {extents_[x].divisor * factor, 0});
}

int GraphBuilder::shuffle(int x, int factor)
{
    const int squared = factor * factor;
    if (channels(x) % squared != 0)
        invalid("shuffling by " + std::to_string(factor) + " needs a multiple of " + std::to_string(squared) +
                " channels, not " + std::to_string(channels(x)));
    Node node;
    node.op = Op::shuffle;
    node.inputs = {x};
    node.channels = channels(x) / squared;
    node.factor = factor;
    return append(std::move(node), {extents_[x].divisor / factor, 0});
}

int GraphBuilder::conv(int x, const std::string &name, const ConvShape &shape)
{
    Node node;
    node.op = Op::conv;
    node.name = name;
    node.inputs = {x};
    node.weight = take(name + ".weight", {shape.channels == ConvShape::from_weights ? any : shape.channels,
                                          channels(x) / shape.groups, shape.kernel, shape.kernel});
    node.channels = static_cast<int>(node.weight->shape[0]);
    if (shape.bias)
        node.bias = take(name + ".bias", {node.channels});
    node.range = take_range(name, channels(x));
    node.kernel = shape.kernel;
    node.stride = shape.stride;
    node.groups = shape.groups;

    const int pad = shape.kernel / 2;
    Extent extent = extents_[x];
    if (pad > 0) {
        node.padding = Padding::reflect;
        node.pad = shape.stride == 1 ? std::array{pad, pad, pad, pad} : std::array{0, pad, 0, pad};
        // A reflection needs one pixel more than it adds.
        graph_.minimum = std::max(graph_.minimum, extent.divisor * (pad + 1));
    }
    if (extent.divisor > 0)
        extent.divisor *= shape.stride;
    else
        extent.side = (extent.side + shape.stride - 1) / shape.stride;
    return append(std::move(node), extent);
}

int GraphBuilder::norm(int x, const std::string &name, float eps)
{
    const int node = append_like(Op::norm, x);
    graph_.nodes[node].name = name;
    graph_.nodes[node].weight = take(name + ".weight", {channels(x)});
    graph_.nodes[node].bias = take(name + ".bias", {channels(x)});
    graph_.nodes[node].eps = eps;
    return node;
}

int GraphBuilder::activation(int x, float slope)
{
    const int node = append_like(Op::activation, x);
    graph_.nodes[node].slope = slope;
    return node;
}

int GraphBuilder::add(int a, int b)
{
    if (channels(a) != channels(b) || extents_[a] != extents_[b])
        invalid("'" + graph_.nodes[a].name + "' with " + std::to_string(channels(a)) +
                " channels can't be added to " + std::to_string(channels(b)) + " channels");
    const int node = append_like(Op::add, a);
    graph_.nodes[node].inputs = {a, b};
    return node;
}

int GraphBuilder::upsample(int x, Upsampling upsampling)
{
    Node node;
    node.op = Op::upsample;
    node.inputs = {x};
    node.channels = channels(x);
    node.upsampling = upsampling;
    return append(std::move(node), {extents_[x].divisor / 2, 0});
}

int GraphBuilder::tanh(int x)
{
    return append_like(Op::tanh, x);
}

int GraphBuilder::clamp(int x)
{
    return append_like(Op::clamp, x);
}

int GraphBuilder::thumbnail(int x, int side)
{
    Node node;
    node.op = Op::thumbnail;
    node.inputs = {x};
    node.channels = channels(x);
    node.factor = side;
    return append(std::move(node), {0, side});
}

int GraphBuilder::spatial_mean(int x)
{
    Node node;
    node.op = Op::spatial_mean;
    node.inputs = {x};
    node.channels = channels(x);
    return append(std::move(node), {0, 1});
}

int GraphBuilder::linear(int x, const std::string &name)
{
    Node node;
    node.op = Op::linear;
    node.name = name;
    node.inputs = {x};
    node.weight = take(name + ".weight", {any, channels(x)});
    node.channels = static_cast<int>(node.weight->shape[0]);
    node.bias = take(name + ".bias", {node.channels});
    return append(std::move(node), {0, 1});
}

int GraphBuilder::modulate(int x, int vector, int offset)
{
    if (offset + 2 * channels(x) > channels(vector))
        invalid("'" + graph_.nodes[vector].name + "' has " + std::to_string(channels(vector)) +
                " values, but '" + graph_.nodes[x].name + "' needs " + std::to_string(2 * channels(x)) +
                " from " + std::to_string(offset) + " on");
    const int node = append_like(Op::modulate, x);
    graph_.nodes[node].inputs = {x, vector};
    graph_.nodes[node].offset = offset;
    return node;
}

Graph GraphBuilder::finish()
{
    for (const auto &[name, weight] : weights_)
        if (!used_.contains(name))
            invalid("it has no tensor '" + name + "'");
    const int last = static_cast<int>(graph_.nodes.size()) - 1;
    if (channels(last) != 3 || extents_[last] != Extent{})
        invalid("the output has " + std::to_string(channels(last)) +
                " channels, which is not an RGB picture");
    return std::move(graph_);
}

} // namespace anime
