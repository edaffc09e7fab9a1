// SPDX-License-Identifier: LGPL-2.1-or-later
// Ranges and means from one run over the photos.
#include "models/executors/onednn/calibration.h"

#include "models/error.h"
#include "models/executors/onednn/plan.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace anime::onednn
{

namespace
{

struct Channel {
    float lo = std::numeric_limits<float>::max();
    float hi = std::numeric_limits<float>::lowest();
    double sum = 0;
    std::uint64_t count = 0;
};

using Channels = std::map<std::string, std::vector<Channel>>;

template <typename Visit>
void visit(const Tensor &tensor, Rows rows, Visit visit)
{
    for (int y = rows.begin; y < rows.end; ++y) {
        const auto *values = reinterpret_cast<const float *>(tensor.row(y));
        for (int x = 0; x < tensor.width; ++x)
            for (int c = 0; c < tensor.channels; ++c)
                visit(c, values[x * tensor.channels + c]);
    }
}

template <typename Observe>
void paint_all(const Graph &graph, const std::vector<ConstImage> &photos, Observe observe)
{
    WeightCache cache;
    for (const ConstImage &photo : photos) {
        std::vector<std::uint8_t> bytes(static_cast<std::size_t>(photo.width) * photo.height * 3);
        const Image out{bytes.data(), photo.width, photo.height, photo.width * 3L, 3};
        Plan(graph, Precision::f32, photo.width, photo.height, cache).watch(photo, out, observe);
    }
}

std::vector<std::uint8_t> paint(const Graph &graph, Precision precision, const ConstImage &photo)
{
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(photo.width) * photo.height * 3);
    WeightCache cache;
    const std::atomic<bool> cancel = false;
    Plan(graph, precision, photo.width, photo.height, cache)
        .paint(photo, {bytes.data(), photo.width, photo.height, photo.width * 3L, 3}, cancel);
    return bytes;
}

} // namespace

std::map<std::string, InputRange> measure_ranges(const Graph &graph, const std::vector<ConstImage> &photos)
{
    Channels found;
    paint_all(graph, photos, [&](const std::string &conv, const Tensor &input, Rows rows) {
        auto &channels = found[conv];
        channels.resize(input.channels);
        visit(input, rows, [&](int c, float v) {
            channels[c].lo = std::min(channels[c].lo, v);
            channels[c].hi = std::max(channels[c].hi, v);
            channels[c].sum += v;
            ++channels[c].count;
        });
    });

    std::map<std::string, InputRange> ranges;
    for (const auto &[conv, channels] : found)
        for (const Channel &channel : channels) {
            ranges[conv].lo.push_back(channel.lo);
            ranges[conv].hi.push_back(channel.hi);
            ranges[conv].mean.push_back(static_cast<float>(channel.sum / static_cast<double>(channel.count)));
        }
    return ranges;
}

Graph with_ranges(const Graph &graph, const std::map<std::string, InputRange> &ranges)
{
    Graph out = graph;
    for (Node &node : out.nodes)
        if (const auto found = ranges.find(node.name); node.op == Op::conv && found != ranges.end())
            node.range = std::make_shared<InputRange>(found->second);
    return out;
}

double measure_fidelity(const Graph &graph, Precision precision, const std::vector<ConstImage> &photos)
{
    double squares = 0;
    double count = 0;
    for (const ConstImage &photo : photos) {
        const auto exact = paint(graph, Precision::f32, photo);
        const auto rough = paint(graph, precision, photo);
        for (std::size_t i = 0; i < exact.size(); ++i)
            squares += std::pow(static_cast<double>(exact[i]) - rough[i], 2.0);
        count += static_cast<double>(exact.size());
    }
    // Equal pictures have no ratio; 100 dB is beyond what bytes can show.
    return squares > 0 ? std::min(100.0, 10 * std::log10(255.0 * 255.0 * count / squares)) : 100.0;
}

} // namespace anime::onednn
