// SPDX-License-Identifier: LGPL-2.1-or-later
// Scales pictures with GStreamer's scaler: Lanczos over all the pixels that fall together down, bicubic up.
#pragma once

#include "models/image.h"

namespace anime
{

/// Scales `in` to the size of `out`, every byte of a pixel alike; both have pixels of the same size.
void resize(const ConstImage &in, const Image &out);

} // namespace anime
