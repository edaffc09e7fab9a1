// SPDX-License-Identifier: LGPL-2.1-or-later
// Arithmetic on whole pictures: copies and blends. Pictures of one call have the same width and
// height.
#pragma once

#include "models/image.h"

namespace anime
{

/// Copies R, G and B, also between pictures with and without a fourth byte.
void copy_rgb(const ConstImage &from, const Image &to);

/// Copies the fourth byte where both pictures have one.
void copy_alpha(const ConstImage &from, const Image &to);

/// image = base + (image − base) · weight / 256 for every byte of a pixel, weight from 0 to 256. Both
/// pictures have pixels of the same size.
void blend_over(const ConstImage &base, const Image &image, int weight);

} // namespace anime
