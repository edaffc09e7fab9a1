// SPDX-License-Identifier: LGPL-2.1-or-later
// The reference interpreter: one function an operation.
#include "models/graph/reference.h"

#include "models/error.h"
#include "models/padding.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace anime
{

namespace
{

Planes unshuffle(const Node &node, const Planes &x)
{
    const int f = node.factor;
    Planes y(x.channels * f * f, x.height / f, x.width / f);
    for (int c = 0; c < y.channels; ++c)
        for (int i = 0; i < y.height; ++i)
            for (int j = 0; j < y.width; ++j)
                y.at(c, i, j) = x.at(c / (f * f), i * f + c / f % f, j * f + c % f);
    return y;
}

Planes shuffle(const Node &node, const Planes &x)
{
    const int f = node.factor;
    Planes y(x.channels / (f * f), x.height * f, x.width * f);
    for (int c = 0; c < x.channels; ++c)
        for (int i = 0; i < x.height; ++i)
            for (int j = 0; j < x.width; ++j)
                y.at(c / (f * f), i * f + c / f % f, j * f + c % f) = x.at(c, i, j);
    return y;
}

Planes pad(const Node &node, const Planes &x)
{
    const auto [left, right, top, bottom] = node.pad;
    Planes y(x.channels, x.height + top + bottom, x.width + left + right);
    for (int c = 0; c < y.channels; ++c)
        for (int i = 0; i < y.height; ++i)
            for (int j = 0; j < y.width; ++j)
                y.at(c, i, j) = x.at(c, mirrored(i - top, x.height), mirrored(j - left, x.width));
    return y;
}

Planes conv(const Node &node, const Planes &input)
{
    Planes x = pad(node, input);
    const int k = node.kernel;
    const int group_in = x.channels / node.groups;
    const int group_out = node.channels / node.groups;
    Planes y(node.channels, (x.height - k) / node.stride + 1, (x.width - k) / node.stride + 1);
    std::vector<double> sums(y.width);
    for (int o = 0; o < y.channels; ++o)
        for (int i = 0; i < y.height; ++i) {
            std::fill(sums.begin(), sums.end(), node.bias ? node.bias->data[o] : 0.0F);
            for (int c = 0; c < group_in; ++c)
                for (int u = 0; u < k; ++u)
                    for (int v = 0; v < k; ++v) {
                        const std::size_t w = ((std::size_t(o) * group_in + c) * k + u) * k + v;
                        const double weight = node.weight->data[w];
                        // A row at a time: most of what the tests wait for, in sanitized builds above all.
                        const float *row = &x.at(o / group_out * group_in + c, i * node.stride + u, v);
                        for (int j = 0; j < y.width; ++j)
                            sums[j] += weight * row[j * node.stride];
                    }
            std::transform(sums.begin(), sums.end(), &y.at(o, i, 0), [](double sum) { return float(sum); });
        }
    return y;
}

Planes norm(const Node &node, const Planes &x)
{
    double sum = 0;
    for (float value : x.data)
        sum += value;
    const double mean = sum / double(x.data.size());
    double squares = 0;
    for (float value : x.data)
        squares += (value - mean) * (value - mean);
    const double scale = 1 / std::sqrt(squares / double(x.data.size()) + node.eps);

    Planes y = x;
    for (int c = 0; c < y.channels; ++c)
        for (int i = 0; i < y.height; ++i)
            for (int j = 0; j < y.width; ++j)
                y.at(c, i, j) = static_cast<float>((x.at(c, i, j) - mean) * scale * node.weight->data[c] +
                                                   node.bias->data[c]);
    return y;
}

template <typename Function>
Planes each(const Planes &x, Function function)
{
    Planes y = x;
    for (float &value : y.data)
        value = function(value);
    return y;
}

Planes add(const Planes &a, const Planes &b)
{
    Planes y = a;
    std::transform(a.data.begin(), a.data.end(), b.data.begin(), y.data.begin(), std::plus<>());
    return y;
}

/// Where output sample `i` of 2n lies among the n samples of the input.
double source_of(int i, int n, Upsampling upsampling)
{
    double source = 0;
    switch (upsampling) {
    case Upsampling::legacy:
        source = i / 2.0;
        break;
    case Upsampling::align_corners:
        source = i * (n - 1.0) / (2.0 * n - 1.0);
        break;
    case Upsampling::half_pixel:
        source = (i + 0.5) / 2 - 0.5;
        break;
    }
    return std::clamp(source, 0.0, n - 1.0);
}

Planes upsample(const Node &node, const Planes &x)
{
    Planes y(x.channels, 2 * x.height, 2 * x.width);
    for (int i = 0; i < y.height; ++i) {
        const double row = source_of(i, x.height, node.upsampling);
        const int top = static_cast<int>(row);
        const int bottom = std::min(top + 1, x.height - 1);
        for (int j = 0; j < y.width; ++j) {
            const double column = source_of(j, x.width, node.upsampling);
            const int left = static_cast<int>(column);
            const int right = std::min(left + 1, x.width - 1);
            for (int c = 0; c < y.channels; ++c) {
                const double upper = std::lerp(x.at(c, top, left), x.at(c, top, right), column - left);
                const double lower = std::lerp(x.at(c, bottom, left), x.at(c, bottom, right), column - left);
                y.at(c, i, j) = static_cast<float>(std::lerp(upper, lower, row - top));
            }
        }
    }
    return y;
}

/// Cell i of m covers the pixels from floor(i·n/m) to ceil((i+1)·n/m), each in full (adaptive_avg_pool2d).
Planes thumbnail(const Node &node, const Planes &x)
{
    const int m = node.factor;
    const auto first = [m](int i, int n) { return int(std::int64_t(i) * n / m); };
    const auto last = [m](int i, int n) { return int((std::int64_t(i + 1) * n + m - 1) / m); };
    Planes y(x.channels, m, m);
    for (int c = 0; c < y.channels; ++c)
        for (int i = 0; i < m; ++i)
            for (int j = 0; j < m; ++j) {
                double sum = 0;
                int count = 0;
                for (int u = first(i, x.height); u < last(i, x.height); ++u)
                    for (int v = first(j, x.width); v < last(j, x.width); ++v, ++count)
                        sum += x.at(c, u, v);
                y.at(c, i, j) = static_cast<float>(sum / count);
            }
    return y;
}

Planes spatial_mean(const Planes &x)
{
    Planes y(x.channels, 1, 1);
    for (int c = 0; c < x.channels; ++c) {
        double sum = 0;
        for (int i = 0; i < x.height; ++i)
            for (int j = 0; j < x.width; ++j)
                sum += x.at(c, i, j);
        y.data[c] = static_cast<float>(sum / (double(x.height) * x.width));
    }
    return y;
}

Planes linear(const Node &node, const Planes &x)
{
    Planes y(node.channels, 1, 1);
    for (int o = 0; o < y.channels; ++o) {
        double sum = node.bias->data[o];
        for (int c = 0; c < x.channels; ++c)
            sum += double(node.weight->data[std::size_t(o) * x.channels + c]) * x.data[c];
        y.data[o] = static_cast<float>(sum);
    }
    return y;
}

Planes modulate(const Node &node, const Planes &x, const Planes &v)
{
    Planes y = x;
    for (int c = 0; c < y.channels; ++c)
        for (int i = 0; i < y.height; ++i)
            for (int j = 0; j < y.width; ++j)
                y.at(c, i, j) =
                    x.at(c, i, j) * (1 + v.data[node.offset + c]) + v.data[node.offset + y.channels + c];
    return y;
}

} // namespace

Planes run_reference_node(const Node &node, const std::vector<const Planes *> &inputs)
{
    const Planes &x = *inputs.at(0);
    switch (node.op) {
    case Op::input:
        return x;
    case Op::unshuffle:
        return unshuffle(node, x);
    case Op::shuffle:
        return shuffle(node, x);
    case Op::conv:
        return conv(node, x);
    case Op::norm:
        return norm(node, x);
    case Op::activation:
        return each(x, [&](float value) { return std::max(value, node.slope * value); });
    case Op::add:
        return add(x, *inputs.at(1));
    case Op::upsample:
        return upsample(node, x);
    case Op::tanh:
        return each(x, [](float value) { return std::tanh(value); });
    case Op::clamp:
        return each(x, [](float value) { return std::clamp(value, -1.0F, 1.0F); });
    case Op::thumbnail:
        return thumbnail(node, x);
    case Op::spatial_mean:
        return spatial_mean(x);
    case Op::linear:
        return linear(node, x);
    case Op::modulate:
        return modulate(node, x, *inputs.at(1));
    }
    throw Error("model-unsupported", "The reference can't run the operation '" + node.name + "'.");
}

std::vector<Planes> run_reference_values(const Graph &graph, const Planes &picture)
{
    std::vector<Planes> values;
    for (const Node &node : graph.nodes) {
        std::vector<const Planes *> inputs;
        for (int input : node.inputs)
            inputs.push_back(&values[input]);
        if (node.op == Op::input)
            inputs = {&picture};
        values.push_back(run_reference_node(node, inputs));
    }
    return values;
}

Planes run_reference(const Graph &graph, const Planes &picture)
{
    return std::move(run_reference_values(graph, picture).back());
}

} // namespace anime
