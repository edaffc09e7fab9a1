// SPDX-License-Identifier: LGPL-2.1-or-later
// A plan's places become addresses.
#include "plugins/torch/cuda/arena.h"
#include "plugins/torch/cuda/plan.h"

#include <cstdint>
#include <type_traits>
#include <variant>

namespace anime::cuda
{

std::vector<Step> Plan::bind(const Bases &bases) const
{
    std::vector<Step> out = steps;
    const auto bound = [&](const void *pointer) -> std::uintptr_t {
        if (!pointer)
            return 0;
        const Place place = place_of(pointer);
        const std::byte *arena = bases.arena;
        switch (place.buffer) {
        case weights_buffer:
            return reinterpret_cast<std::uintptr_t>(bases.weights) + place.offset;
        case in_buffer:
            return reinterpret_cast<std::uintptr_t>(bases.in) + place.offset;
        case out_buffer:
            return reinterpret_cast<std::uintptr_t>(bases.out) + place.offset;
        case planes_buffer:
            return reinterpret_cast<std::uintptr_t>(bases.planes) + place.offset;
        default:
            return reinterpret_cast<std::uintptr_t>(arena) + addresses[place.buffer - first_of_arena] +
                   place.offset;
        }
    };
    for (Step &step : out)
        std::visit(
            [&](auto &of) {
                of.pointers([&](auto *&pointer) {
                    pointer = reinterpret_cast<std::remove_reference_t<decltype(pointer)>>(bound(pointer));
                });
            },
            step);
    return out;
}

} // namespace anime::cuda
