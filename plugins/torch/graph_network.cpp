// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs a graph with libtorch's own operators, each value freed after its last use.
#include "plugins/torch/tensor_network.h"

#include "models/error.h"

#include <algorithm>

namespace anime
{

namespace
{

torch::Tensor to_tensor(const WeightPtr &weight, torch::Device device)
{
    if (!weight)
        return {};
    // from_blob takes a mutable pointer; nothing here writes through it.
    auto *data = const_cast<float *>(weight->data.data());
    return torch::from_blob(data, weight->shape, torch::kFloat32).to(device);
}

/// Along `dim`: out[2i] = x[i], out[2i+1] = (x[i] + x[i+1]) / 2, the last one replicated.
torch::Tensor double_legacy(const torch::Tensor &x, std::int64_t dim)
{
    const std::int64_t n = x.size(dim);
    const torch::Tensor next = torch::cat({x.narrow(dim, 1, n - 1), x.narrow(dim, n - 1, 1)}, dim);
    return torch::stack({x, (x + next) * 0.5}, dim + 1).flatten(dim, dim + 1);
}

torch::Tensor upsample(const torch::Tensor &x, Upsampling upsampling)
{
    if (upsampling == Upsampling::legacy)
        return double_legacy(double_legacy(x, 2), 3);
    return torch::upsample_bilinear2d(x, {2 * x.size(2), 2 * x.size(3)},
                                      upsampling == Upsampling::align_corners);
}

class GraphNetwork final : public TensorNetwork
{
public:
    GraphNetwork(const Graph &graph, torch::Device device);

    std::size_t bytes() const override { return weight_bytes_ + peak_value_bytes_; }

protected:
    torch::Tensor forward(const torch::Tensor &picture, const std::atomic<bool> &cancel) override;

private:
    torch::Tensor run_node(std::size_t index, const std::vector<torch::Tensor> &values) const;

    const Graph &graph_;
    std::vector<torch::Tensor> weights_; ///< by node
    std::vector<torch::Tensor> biases_;
    std::vector<std::vector<int>> last_uses_; ///< by node: the values that nothing uses after it
    std::size_t weight_bytes_ = 0;
    std::atomic<std::size_t> peak_value_bytes_ = 0;
};

GraphNetwork::GraphNetwork(const Graph &graph, torch::Device device)
    : TensorNetwork(device, graph.multiple, graph.minimum), graph_(graph), last_uses_(graph.nodes.size())
{
    std::vector<int> last_use(graph.nodes.size(), -1);
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        const Node &node = graph.nodes[i];
        weights_.push_back(to_tensor(node.weight, device));
        biases_.push_back(to_tensor(node.bias, device));
        for (const torch::Tensor &tensor : {weights_.back(), biases_.back()})
            weight_bytes_ += tensor.defined() ? tensor.nbytes() : 0;
        for (int input : node.inputs)
            last_use[input] = static_cast<int>(i);
    }
    for (std::size_t i = 0; i < last_use.size(); ++i)
        if (last_use[i] >= 0)
            last_uses_[last_use[i]].push_back(static_cast<int>(i));
}

torch::Tensor GraphNetwork::run_node(std::size_t index, const std::vector<torch::Tensor> &values) const
{
    const Node &node = graph_.nodes[index];
    const torch::Tensor &weight = weights_[index];
    const torch::Tensor &bias = biases_[index];
    const torch::Tensor &x = values[node.inputs.at(0)];
    switch (node.op) {
    case Op::unshuffle:
        return torch::pixel_unshuffle(x, node.factor);
    case Op::shuffle:
        return torch::pixel_shuffle(x, node.factor);
    case Op::conv: {
        const std::vector<std::int64_t> pad(node.pad.begin(), node.pad.end());
        const torch::Tensor padded = node.padding == Padding::reflect ? torch::reflection_pad2d(x, pad) : x;
        const std::vector<std::int64_t> stride(2, node.stride), unpadded(2, 0), undilated(2, 1);
        return torch::conv2d(padded, weight, bias, stride, unpadded, undilated, node.groups);
    }
    case Op::norm:
        return torch::group_norm(x, 1, weight, bias, node.eps);
    case Op::activation: {
        // In place, as the layers of the published networks do it, where nothing else reads the value. The
        // picture belongs to the caller.
        const int source = node.inputs[0];
        const bool last = std::ranges::count(last_uses_[index], source) > 0;
        torch::Tensor own = x;
        return last && graph_.nodes[source].op != Op::input ? torch::leaky_relu_(own, node.slope)
                                                            : torch::leaky_relu(x, node.slope);
    }
    case Op::add:
        return x + values[node.inputs.at(1)];
    case Op::upsample:
        return upsample(x, node.upsampling);
    case Op::tanh:
        return torch::tanh(x);
    case Op::clamp:
        return torch::clamp(x, -1, 1);
    case Op::thumbnail:
        return torch::adaptive_avg_pool2d(x, {node.factor, node.factor});
    case Op::spatial_mean:
        return x.mean({2, 3});
    case Op::linear:
        return torch::linear(x, weight, bias);
    case Op::modulate: {
        const torch::Tensor &v = values[node.inputs.at(1)];
        const torch::Tensor gamma = v.narrow(1, node.offset, node.channels).view({1, -1, 1, 1});
        const torch::Tensor beta =
            v.narrow(1, node.offset + node.channels, node.channels).view({1, -1, 1, 1});
        return x * (gamma + 1) + beta;
    }
    case Op::input:
        break;
    }
    throw Error("model-unsupported", "The torch executor can't run the operation '" + node.name + "'.");
}

torch::Tensor GraphNetwork::forward(const torch::Tensor &picture, const std::atomic<bool> &cancel)
{
    std::vector<torch::Tensor> values(graph_.nodes.size());
    std::size_t live = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (cancel.load(std::memory_order_relaxed))
            throw Error("cancelled", "Painting was cancelled.");
        values[i] = graph_.nodes[i].op == Op::input ? picture : run_node(i, values);
        live += values[i].nbytes();
        peak_value_bytes_ = std::max(peak_value_bytes_.load(), live);
        for (int done : last_uses_[i]) {
            live -= values[done].nbytes();
            values[done].reset();
        }
    }
    return values.back();
}

} // namespace

std::unique_ptr<Network> make_graph_network(const Graph &graph, torch::Device device)
{
    return std::make_unique<GraphNetwork>(graph, device);
}

} // namespace anime
