// SPDX-License-Identifier: LGPL-2.1-or-later
// Groups the nodes of a graph into chains: one operation that produces a value and the elementwise operations
// that are done to it before anything else looks at it.
#pragma once

#include "models/api.h"
#include "models/graph/graph.h"

#include <optional>
#include <vector>

namespace anime::compiler
{

struct Chain {
    int start = -1;    ///< the node that produces the value; for a pass of its own, the value it starts from
    bool pass = false; ///< starts from another chain's value
    int end = -1;      ///< the node whose value comes out
    int unshuffle = 1; ///< input: factor
    int norm = -1;     ///< nodes, -1 where there is none
    int modulate = -1;
    std::optional<float> slope;
    int residual = -1; ///< the value that is added
    std::optional<float> slope_after;
    bool tanh = false;
    int shuffle = 1;
    bool upsampled = false; ///< conv: reads a value through a legacy upsampling that is folded into it
    int source = -1;        ///< the value that the start reads
};

/// In the order of their ends, so that each finds what it reads done.
/// Throws Error model-unsupported for a sequence of operations that no stage does.
ANIME_API std::vector<Chain> find_chains(const Graph &graph);

} // namespace anime::compiler
