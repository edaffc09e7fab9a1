// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs the plans that are made for a GPU on the CPU, with the arithmetic of the kernels and a plain
// convolution.
#pragma once

#include "models/graph/reference.h"
#include "models/image.h"
#include "plugins/torch/cuda/plan.h"

#include <cstdint>
#include <vector>

namespace anime::test
{

struct Painted {
    Planes planes; ///< of the network's size; only where the plan has floats
    std::vector<std::uint8_t> bytes;
};

/// `planes` as floats in and out.
Painted run_plan(const Graph &graph, cuda::Precision precision, const Planes &planes);

/// A picture in bytes, rows without gaps.
Painted run_plan(const Graph &graph, cuda::Precision precision, const std::vector<std::uint8_t> &bytes,
                 const cuda::PictureSize &size);

/// One step of a plan that is bound to memory of the host's.
void run_step_on_cpu(const cuda::Step &step, cuda::Precision precision);

} // namespace anime::test
