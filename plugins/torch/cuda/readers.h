// SPDX-License-Identifier: LGPL-2.1-or-later
// Who reads a chain's value and how: decides what a plan does at once and in which borders it leaves values.
#pragma once

#include "models/compiler/chains.h"
#include "models/compiler/tensor.h"
#include "plugins/torch/cuda/packing.h"

#include <vector>

namespace anime::cuda
{

/// How a chain is done.
struct Role {
    enum class Kind {
        read,      ///< from the picture
        global,    ///< small, in float32: what descends from the thumbnail
        conv,      ///< by cuDNN
        phases,    ///< by cuDNN, with a folded upsampling
        depthwise, ///< by our kernel
        upsample,
        pass,
        last, ///< the final 1×1 convolution, part of writing the picture
    };

    Kind kind = Kind::pass;
    bool lazy = false; ///< its only reader does scale, shift and activation to what the convolution left
    bool ends = false; ///< its value is the picture
    PackedShape shape; ///< conv, phases
    int channels = 0;  ///< of its value, padded
    /// Without doubles; the first one also serves readers that take any.
    std::vector<compiler::Border> borders;
};

/// One for each chain. Throws Error model-unsupported.
std::vector<Role> choose_roles(const Graph &graph, const std::vector<compiler::Chain> &chains);

/// What a convolution by cuDNN needs around its input.
compiler::Border border_of(const Node &node, const PackedShape &shape);

/// The chain whose value is node `value`'s.
std::size_t chain_of(const std::vector<compiler::Chain> &chains, int value);

} // namespace anime::cuda
