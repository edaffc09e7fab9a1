// SPDX-License-Identifier: LGPL-2.1-or-later
// What a state dict's pickle says, without running it: a pickle is a program that can call anything, so only
// the few operations that describe tensors are understood, and calls make an object that means nothing.
//
// libtorch has a reader too, but (1.13) it takes an OrderedDict, which is what state_dict() returns, for
// None.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace anime
{

/// A tensor as it lies in one of the archive's storages. Names are UTF-8 of max_name_bytes, and shape and
/// strides have max_rank items, at most.
struct PickledTensor {
    std::string name;
    std::string storage;      ///< the storage's name in the archive
    std::string storage_type; ///< FloatStorage, HalfStorage, …
    std::int64_t offset = 0;  ///< in values, like the strides
    std::vector<std::int64_t> shape;
    std::vector<std::int64_t> strides;
};

/// A state dict of a hundred tensors has 15 kB.
constexpr std::size_t max_pickle_bytes = std::size_t{1} << 20;

/// The tensors of the dict, or of the dict of weights in it, max_tensors at most, without DataParallel's
/// "module." before the names. Throws Error model-invalid.
std::vector<PickledTensor> read_pickled_tensors(std::span<const std::byte> program,
                                                const std::string &source);

} // namespace anime
