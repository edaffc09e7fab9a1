// SPDX-License-Identifier: LGPL-2.1-or-later
// The registry of architectures. A new one is a file beside this and a line here.
#include "models/graph/architectures.h"

#include "models/error.h"

#include <utility>

namespace anime
{

namespace
{

constexpr std::pair<std::string_view, Upsampling> upsampling_names[] = {
    {"legacy", Upsampling::legacy},
    {"align-corners", Upsampling::align_corners},
    {"half-pixel", Upsampling::half_pixel},
};

} // namespace

const std::vector<Architecture> &architectures()
{
    static const std::vector<Architecture> all = {
        {"animeganv2", build_animeganv2},
        {"lite", build_lite},
    };
    return all;
}

Graph build_graph(std::string_view architecture, const WeightMap &weights,
                  std::optional<Upsampling> upsampling)
{
    std::string known;
    for (const Architecture &candidate : architectures()) {
        if (architecture == candidate.name)
            return candidate.build(weights, upsampling);
        known += (known.empty() ? "" : ", ") + std::string(candidate.name);
    }
    throw Error("model-unsupported", "The architecture '" + std::string(architecture) + "' is not known.",
                "This version runs: " + known + ".");
}

std::optional<Upsampling> parse_upsampling(std::string_view text)
{
    for (const auto &[name, value] : upsampling_names)
        if (name == text)
            return value;
    return std::nullopt;
}

const char *to_string(Upsampling upsampling)
{
    for (const auto &[name, value] : upsampling_names)
        if (value == upsampling)
            return name.data();
    return "";
}

} // namespace anime
