// SPDX-License-Identifier: LGPL-2.1-or-later
// Scales pictures, by libvips: area and Lanczos down, bicubic up.
#pragma once

#include "models/image.h"

namespace anime
{

/// Scales R, G and B of `in` to the size of `out`. Throws Error: out-of-memory, internal.
void resize(const ConstImage &in, const Image &out);

} // namespace anime
