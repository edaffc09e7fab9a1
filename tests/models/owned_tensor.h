// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "models/compiler/tensor.h"

#include <cstddef>
#include <vector>

namespace anime::test
{

/// A tensor with memory of its own, all of it in the window.
struct OwnedTensor {
    compiler::Tensor tensor;
    std::vector<std::byte> memory;

    OwnedTensor(compiler::Type type, int channels, int height, int width, compiler::Border border = {})
    {
        tensor.type = type;
        tensor.channels = channels;
        tensor.height = height;
        tensor.width = width;
        tensor.border = border;
        tensor.window = tensor.bordered_rows();
        memory.resize(tensor.window * tensor.row_bytes());
        tensor.data = memory.data();
    }

    float *row(int y) { return reinterpret_cast<float *>(tensor.row(y)); }
};

} // namespace anime::test
