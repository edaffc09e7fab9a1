// SPDX-License-Identifier: LGPL-2.1-or-later
// Turns a graph into stages and tensors for one picture size and one precision.
#pragma once

#include "models/compiler/checkpoint.h"
#include "models/compiler/precision.h"
#include "models/compiler/stage.h"
#include "models/executors/onednn/compiler_names.h"
#include "models/executors/onednn/stages/conv_stage.h"
#include "models/graph/graph.h"

#include <deque>
#include <memory>
#include <vector>

namespace anime::onednn
{

/// Stages in an order in which they can run, and the values between them, without memory yet.
struct Lowered {
    std::vector<std::unique_ptr<Stage>> stages;
    std::deque<Tensor> tensors;
    std::deque<Vector> vectors;
};

/// Height and width as the graph wants them (Graph::multiple, Graph::minimum). The stages keep references to
/// `frame` and `cache`. Throws Error: model-unsupported.
Lowered lower(const Graph &graph, Precision precision, int height, int width, const Frame &frame,
              WeightCache &cache, const Checkpoint &checkpoint = {});

} // namespace anime::onednn
