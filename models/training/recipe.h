// SPDX-License-Identifier: LGPL-2.1-or-later
// How a default is trained: a key file with the seed, the data, and phases that follow each other.
#pragma once

#include "models/training/dataset.h"
#include "models/training/losses.h"

#include <cstdint>
#include <string>
#include <vector>

namespace anime::training
{

struct Phase {
    std::uint64_t steps = 0;
    double rate_first = 0; ///< learning rate after the warm-up
    double rate_last = 0;  ///< reached along a cosine
    std::uint64_t warm_up = 0;
    LossWeights weights;
};

struct Recipe {
    std::string name;
    std::string digest;      ///< SHA-256 of the file, hex
    std::string description; ///< one line, for the exported file
    std::string start;       ///< a .safetensors file whose weights training begins with; empty: random ones
    std::uint64_t seed = 0;
    int batch = 0;
    int crop = 0;
    double colours = 0; ///< how much of the photo's own colours the student is to keep; see match_colours
    double average = 0; ///< decay per step of the exponential average of the weights, which is what ships
    std::vector<Phase> phases;
    std::vector<Source> sources; ///< their `cache` is below the cache folder that the caller gives

    std::uint64_t steps() const;
};

/// A step's place in the recipe.
struct Moment {
    const Phase *phase;
    double rate;
};
Moment moment(const Recipe &recipe, std::uint64_t step);

/// Throws std::runtime_error with what is wrong. Photos are named relative to the recipe's folder.
Recipe read_recipe(const std::string &path, const std::string &cache);

} // namespace anime::training
