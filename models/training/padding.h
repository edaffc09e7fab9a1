// SPDX-License-Identifier: LGPL-2.1-or-later
// Reflect padding for every precision: libtorch 1.13 has none for bf16.
#pragma once

#include <ATen/ATen.h>

namespace anime::training
{

/// (B, C, H, W) with `before` rows and columns more at the left and top and `after` at the right and bottom,
/// mirrored without repeating the edge. Differentiable; channels last.
at::Tensor reflect(const at::Tensor &x, int64_t before, int64_t after);

} // namespace anime::training
