// SPDX-License-Identifier: LGPL-2.1-or-later
// Scales pictures with GStreamer's scaler: Lanczos over all the pixels that fall together down, bicubic up.
#pragma once

#include "models/image.h"

namespace anime
{

/// How what is missing is made up.
enum class Enlarging {
    cubic, ///< Catmull-Rom: painted lines stay sharper than with other cubics
    linear,
};

/// Scales `in` to the size of `out`, every byte of a pixel alike; both have pixels of the same size, 1, 3 or
/// 4 bytes.
void resize(const ConstImage &in, const Image &out, Enlarging how = Enlarging::cubic);

} // namespace anime
