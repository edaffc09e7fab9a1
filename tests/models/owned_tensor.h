// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "models/compiler/tensor.h"

#include <cstddef>
#include <vector>

namespace anime::test
{

/// A tensor with memory of its own, all of it in the window, and above and below it `around` rows that nobody
/// may touch.
struct OwnedTensor {
    compiler::Tensor tensor;
    std::vector<std::byte> memory;

    OwnedTensor(compiler::Type type, int channels, int height, int width, compiler::Border border = {},
                std::size_t around = 0)
    {
        tensor.type = type;
        tensor.channels = channels;
        tensor.height = height;
        tensor.width = width;
        tensor.border = border;
        tensor.window = tensor.bordered_rows();
        memory.resize((tensor.window + 2 * around) * tensor.row_bytes());
        tensor.data = memory.data() + around * tensor.row_bytes();
    }

    float *row(int y) { return reinterpret_cast<float *>(tensor.row(y)); }
};

} // namespace anime::test
