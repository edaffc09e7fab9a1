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

/// Everything that a resumed run needs; the crops follow from the recipe's seed and the step.
struct Progress {
    std::uint64_t step = 0;
    Parameters weights;
    Parameters average; ///< exponential average of the weights
    Parameters first;   ///< Adam's moments
    Parameters second;
};

Progress start(const Recipe &recipe);
void save(const Progress &progress, const std::string &path);
Progress load(const std::string &path);

/// Called after every step with the loss; returns false to stop.
using Report = std::function<bool(const Progress &progress, double loss, double rate)>;

/// Trains until the recipe's end or until `report` says stop. `type`: precision of the convolutions. The same
/// number of threads gives the same weights.
void train(Progress &progress, const Recipe &recipe, const std::vector<Example> &examples,
           const Teacher *teacher, at::ScalarType type, int threads, const Report &report);

} // namespace anime::training
