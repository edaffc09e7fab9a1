// SPDX-License-Identifier: LGPL-2.1-or-later
// Hands out places for what a plan's steps read and write: in the arena, or among the weights.
#pragma once

#include "plugins/torch/cuda/arena.h"
#include "plugins/torch/cuda/packing.h"

#include <cstddef>
#include <vector>

namespace anime::cuda
{

class Places
{
public:
    explicit Places(Packing &packing) : packing_(packing) {}

    /// A value in the precision's type.
    std::byte *tensor(long height, long width, long channels)
    {
        return buffer<std::byte>(static_cast<std::size_t>(height * width * channels) * element_size());
    }
    float *floats(long count) { return buffer<float>(static_cast<std::size_t>(count) * sizeof(float)); }

    /// A weight in float32, filled up with zeros; null for none.
    const float *constants(const WeightPtr &weight, int padded)
    {
        if (!weight)
            return nullptr;
        return at<float>(packing_.floats(*weight, weight->data.size(), static_cast<std::size_t>(padded)));
    }
    /// What `packing` has put there.
    template <typename T>
    static const T *at(std::size_t place)
    {
        return unbound<const T>(weights_buffer, place);
    }

    Packing &packing() { return packing_; }
    std::size_t element_size() const { return packing_.element_size(); }
    const std::vector<std::size_t> &sizes() const { return sizes_; }

private:
    template <typename T>
    T *buffer(std::size_t bytes)
    {
        sizes_.push_back(bytes);
        return unbound<T>(first_of_arena + static_cast<int>(sizes_.size()) - 1, 0);
    }

    Packing &packing_;
    std::vector<std::size_t> sizes_; ///< by buffer of the arena, in bytes
};

} // namespace anime::cuda
