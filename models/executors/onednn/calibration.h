// SPDX-License-Identifier: LGPL-2.1-or-later
// Measures what 8-bit arithmetic has to know of a model: the range of every convolution's input per channel.
#pragma once

#include "models/api.h"
#include "models/compiler/precision.h"
#include "models/executors/onednn/compiler_names.h"
#include "models/graph/graph.h"
#include "models/image.h"

#include <map>
#include <string>
#include <vector>

namespace anime::onednn
{

/// By the convolution's name. Paints every photo once in f32. The range holds every value: leaving out 0.05 %
/// at either end costs 6 dB with the hayao weights.
ANIME_API std::map<std::string, InputRange> measure_ranges(const Graph &graph,
                                                           const std::vector<ConstImage> &photos);

/// `graph` with these ranges.
ANIME_API Graph with_ranges(const Graph &graph, const std::map<std::string, InputRange> &ranges);

/// PSNR in dB of what `graph` paints in `precision` against f32, over all photos; both as bytes.
ANIME_API double measure_fidelity(const Graph &graph, Precision precision,
                                  const std::vector<ConstImage> &photos);

} // namespace anime::onednn
