// SPDX-License-Identifier: LGPL-2.1-or-later
// The architectures by name: each builds a Graph from named weights and refuses weights that do not fit it.
#pragma once

#include "models/api.h"
#include "models/graph/graph.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace anime
{

/// Weights by the name that they have in the file. Calibration ranges are among them, as "CONV.input_lo",
/// "CONV.input_hi" and, where it was measured, "CONV.input_mean".
using WeightMap = std::map<std::string, WeightPtr, std::less<>>;

struct Architecture {
    const char *name;
    Graph (*build)(const WeightMap &weights, std::optional<Upsampling> upsampling);
};

/// Every architecture that a weights file may name.
const std::vector<Architecture> &architectures();

/// Builds the graph of `architecture`. Every tensor that it needs has to be there with its shape and finite
/// values, and no other. `upsampling` is the model's option; an architecture that fixes it refuses another.
/// Throws Error: model-unsupported for an unknown architecture, model-invalid for weights that do not fit.
ANIME_API Graph build_graph(std::string_view architecture, const WeightMap &weights,
                            std::optional<Upsampling> upsampling);

/// "legacy", "align-corners", "half-pixel"; nothing for any other text.
ANIME_API std::optional<Upsampling> parse_upsampling(std::string_view text);
ANIME_API const char *to_string(Upsampling upsampling);

/// The AnimeGANv2 generator with the parameter names of its public PyTorch port.
Graph build_animeganv2(const WeightMap &weights, std::optional<Upsampling> upsampling);

/// The student: no normalisation, a global branch on a thumbnail, everything else local. Its widths, its
/// number of blocks and the side of the pixel blocks that it works on (2, or 4: the quick one) are read from
/// the weights.
Graph build_lite(const WeightMap &weights, std::optional<Upsampling> upsampling);

} // namespace anime
