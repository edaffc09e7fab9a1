// SPDX-License-Identifier: LGPL-2.1-or-later
// The steps that paint pictures of one size, and where in one piece of memory their values lie. Knows neither
// CUDA nor libtorch.
#pragma once

#include "models/graph/graph.h"
#include "plugins/torch/cuda/packing.h"
#include "plugins/torch/cuda/steps.h"

#include <cstddef>
#include <vector>

namespace anime::cuda
{

/// A picture as it is given: any size, `pixel` bytes from one to the next.
struct PictureSize {
    int width = 0;
    int height = 0;
    int pixel = 3;
    bool floats = false; ///< planes of floats in and out, of the network's size

    bool operator==(const PictureSize &) const = default;
};

/// The memory that a plan is bound to.
struct Bases {
    std::byte *arena = nullptr;
    const std::byte *weights = nullptr;
    const void *in = nullptr; ///< bytes, or planes
    std::uint8_t *out = nullptr;
    float *planes = nullptr; ///< only where the plan has floats
};

struct Plan {
    int network_width = 0;
    int network_height = 0;
    std::size_t arena_bytes = 0;

    /// The steps with their pointers.
    std::vector<Step> bind(const Bases &bases) const;

    std::vector<Step> steps;            ///< pointers are places in the buffers
    std::vector<std::size_t> addresses; ///< by buffer of the arena
};

/// `multiprocessors` bounds how many blocks share a sum. Adds to `packing` what is not in it. Throws Error
/// model-unsupported.
Plan make_plan(const Graph &graph, const PictureSize &size, Packing &packing, int multiprocessors);

} // namespace anime::cuda
