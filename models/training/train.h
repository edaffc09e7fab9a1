// SPDX-License-Identifier: LGPL-2.1-or-later
// The training loop: steps of a recipe from a checkpoint or from the seed, stopped and resumed without loss.
#pragma once

#include "models/training/recipe.h"
#include "models/training/student.h"

#include <cstdint>
#include <functional>
#include <string>

namespace anime::training
{

/// What computes the steps, and how exactly.
struct Compute {
    at::ScalarType type = at::kFloat; ///< of the convolutions
    at::Device device = at::kCPU;
    int threads = 2; ///< of a CPU: each takes its share of the crops
};

/// The device called `name`. Throws where there is none.
at::Device find_device(const std::string &name);

/// Everything that a resumed run needs; the crops follow from the recipe's seed and the step. While a GPU
/// trains, the tensors are there.
struct Progress {
    std::uint64_t step = 0;
    std::string recipe; ///< the digest of the one that it follows
    Parameters weights;
    Parameters average; ///< exponential average of the weights
    Parameters first;   ///< Adam's moments
    Parameters second;
};

Progress start(const Recipe &recipe);
void save(const Progress &progress, const std::string &path);
/// Throws where the checkpoint is of another recipe, or of this one as it was before somebody changed it.
Progress load(const std::string &path, const Recipe &recipe);

/// Called after every step with the loss; returns false to stop.
using Report = std::function<bool(const Progress &progress, double loss, double rate)>;

/// Trains until the recipe's end or until `report` says stop. On a CPU, the same number of threads gives the
/// same weights.
void train(Progress &progress, const Recipe &recipe, const std::vector<Example> &examples,
           const Compute &compute, const Report &report);

} // namespace anime::training
