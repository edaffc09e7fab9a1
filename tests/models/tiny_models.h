// SPDX-License-Identifier: LGPL-2.1-or-later
// Models that tests make for themselves: random weights of the right names and shapes, the same on every run.
#pragma once

#include "models/graph/architectures.h"
#include "models/graph/reference.h"
#include "models/weights/safetensors.h"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace anime::test
{

/// A tensor whose values are uniform in [centre - spread, centre + spread].
WeightPtr random_tensor(const std::string &name, const std::vector<std::int64_t> &shape, float spread,
                        float centre = 0);

WeightPtr tensor(const std::string &name, const std::vector<std::int64_t> &shape,
                 const std::vector<float> &values);

/// A lite model with `stem` and `down` channels and `blocks` blocks; with ranges where `calibrated`; on
/// blocks of `side` × `side` pixels (2, or 4: the quick one).
Safetensors lite_model(int stem = 4, int down = 6, int blocks = 1, bool calibrated = false, int side = 2);

/// An AnimeGANv2 generator; its widths are fixed, so it has the real 2.1 million parameters.
Safetensors animeganv2_model(Upsampling upsampling = Upsampling::legacy);

/// A smooth picture with some detail, in [-1, 1].
Planes picture(int height, int width);

/// The largest difference between two pictures of one size.
float max_difference(const Planes &a, const Planes &b);

} // namespace anime::test
