// SPDX-License-Identifier: LGPL-2.1-or-later
// The steps of the global branch: a few thousand values in float32, which descend from a thumbnail.
#pragma once

#include "models/compiler/chains.h"
#include "models/graph/graph.h"
#include "plugins/torch/cuda/places.h"
#include "plugins/torch/cuda/steps.h"

#include <vector>

namespace anime::cuda
{

/// What such a step left behind.
struct SmallValue {
    int height = 0;
    int width = 0;
    const float *floats = nullptr;
};

/// Adds the step of `chain`, which reads `source` (or, the thumbnail, the picture). Throws Error
/// model-unsupported.
SmallValue add_global_step(const Graph &graph, const compiler::Chain &chain, const SmallValue &source,
                           const Picture &picture, Places &places, std::vector<Step> &steps);

} // namespace anime::cuda
