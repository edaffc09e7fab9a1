// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/torch/cuda/global_branch.h"

#include "models/error.h"

namespace anime::cuda
{

namespace
{

/// As PyTorch has them.
const float *all_of(const WeightPtr &weight, Places &places)
{
    return places.constants(weight, static_cast<int>(weight->data.size()));
}

SmallConv small_conv(const Node &node, const SmallValue &source, Places &places)
{
    const auto [left, right, top, bottom] = node.pad;
    SmallConv step;
    step.in = source.floats;
    step.height = source.height;
    step.width = source.width;
    step.kernel = node.kernel;
    step.stride = node.stride;
    step.left = left;
    step.top = top;
    step.weights = all_of(node.weight, places);
    step.bias = places.constants(node.bias, node.channels);
    step.out_height = (step.height + top + bottom - step.kernel) / step.stride + 1;
    step.out_width = (step.width + left + right - step.kernel) / step.stride + 1;
    step.channels = node.channels;
    step.out = places.floats(static_cast<long>(step.out_height) * step.out_width * step.channels);
    return step;
}

Linear linear(const Node &node, const SmallValue &source, Places &places)
{
    Linear step;
    step.in = source.floats;
    step.weights = all_of(node.weight, places);
    step.bias = places.constants(node.bias, node.channels);
    step.outputs = node.channels;
    step.out = places.floats(step.outputs);
    return step;
}

} // namespace

SmallValue add_global_step(const Graph &graph, const compiler::Chain &chain, const SmallValue &source,
                           const Picture &picture, Places &places, std::vector<Step> &steps)
{
    const Node &node = graph.nodes[chain.start];
    const float slope = chain.slope.value_or(1.0F);
    switch (node.op) {
    case Op::thumbnail: {
        const Thumbnail step{picture, node.factor, places.floats(3L * node.factor * node.factor)};
        steps.emplace_back(step);
        return {step.side, step.side, step.out};
    }
    case Op::conv: {
        SmallConv step = small_conv(node, source, places);
        step.in_channels = graph.nodes[chain.source].channels;
        step.slope = slope;
        steps.emplace_back(step);
        return {step.out_height, step.out_width, step.out};
    }
    case Op::spatial_mean: {
        const Mean step{source.floats, source.height * source.width, node.channels,
                        places.floats(node.channels)};
        steps.emplace_back(step);
        return {1, 1, step.out};
    }
    case Op::linear: {
        Linear step = linear(node, source, places);
        step.inputs = graph.nodes[chain.source].channels;
        step.slope = slope;
        steps.emplace_back(step);
        return {1, 1, step.out};
    }
    default:
        throw Error("model-unsupported", "The torch executor can't run '" + node.name + "' on a GPU.",
                    "Use device=cpu.");
    }
}

} // namespace anime::cuda
