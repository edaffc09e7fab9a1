// SPDX-License-Identifier: LGPL-2.1-or-later
// Lays the values of a plan into one piece of memory, over each other where they are not needed at the same
// time.
#pragma once

#include "plugins/torch/cuda/steps.h"

#include <cstddef>
#include <vector>

namespace anime::cuda
{

/// A pointer that is not bound yet: a buffer and a place in it. The first buffers are not the arena's.
enum Buffer : int { weights_buffer, in_buffer, out_buffer, planes_buffer, first_of_arena };

template <typename T>
T *unbound(int buffer, std::size_t place)
{
    return reinterpret_cast<T *>(static_cast<std::uintptr_t>(buffer + 1) << 40 | place);
}

struct Place {
    int buffer;
    std::size_t offset;
};

inline Place place_of(const void *pointer)
{
    const auto bits = reinterpret_cast<std::uintptr_t>(pointer);
    return {static_cast<int>(bits >> 40) - 1, bits & ((std::uintptr_t{1} << 40) - 1)};
}

struct Layout {
    std::vector<std::size_t> addresses; ///< by buffer of the arena
    std::size_t bytes = 0;
};

/// `sizes`: in bytes, by buffer of the arena.
Layout lay_out(const std::vector<Step> &steps, const std::vector<std::size_t> &sizes);

} // namespace anime::cuda
