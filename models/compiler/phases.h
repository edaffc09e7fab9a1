// SPDX-License-Identifier: LGPL-2.1-or-later
// Legacy ×2 upsampling followed by a 3×3 convolution, as four convolutions at the low resolution with
// 9 + 6 + 6 + 4 taps instead of 36; the upsampled value never exists.
#pragma once

#include "models/api.h"

#include <vector>

namespace anime::compiler
{

/// The kernel for output rows of parity `row` and columns of parity `column`: 3 taps along an even direction,
/// 2 along an odd one. `weights` is (n, 3, 3) and so is the result with its own height and width.
struct Phase {
    int height = 0;
    int width = 0;
    std::vector<float> weights;
};

ANIME_API Phase make_phase(const std::vector<float> &weights, int row, int column);

} // namespace anime::compiler
