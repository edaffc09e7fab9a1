// SPDX-License-Identifier: LGPL-2.1-or-later
// The reference interpreter: every operation as plain loops in float32, slow and easy to check by eye. What
// executors compute is compared with it.
#pragma once

#include "models/api.h"
#include "models/graph/graph.h"

#include <cstddef>
#include <vector>

namespace anime
{

/// (channels, height, width), row-major. A vector has height and width 1.
struct Planes {
    int channels = 0;
    int height = 0;
    int width = 0;
    std::vector<float> data;

    Planes() = default;
    Planes(int c, int h, int w) : channels(c), height(h), width(w), data(std::size_t(c) * h * w) {}

    std::size_t index(int c, int y, int x) const { return (std::size_t(c) * height + y) * width + x; }
    float at(int c, int y, int x) const { return data[index(c, y, x)]; }
    float &at(int c, int y, int x) { return data[index(c, y, x)]; }
};

/// One operation on the values that it names as inputs.
Planes run_reference_node(const Node &node, const std::vector<const Planes *> &inputs);

/// The whole graph. `picture` has 3 channels and sides that suit the graph.
ANIME_API Planes run_reference(const Graph &graph, const Planes &picture);

/// The same, with the value of every node.
std::vector<Planes> run_reference_values(const Graph &graph, const Planes &picture);

} // namespace anime
