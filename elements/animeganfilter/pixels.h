// SPDX-License-Identifier: LGPL-2.1-or-later
// Arithmetic on whole pictures: copies, blends, brightness. Pictures of one call have the same width and
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

/// Mean of .299 R + .587 G + .114 B, from 0 to 255. Of a large picture it reads evenly spaced rows, about
/// 256 of them: more would not change the first decimal.
double mean_luma(const ConstImage &image);

/// R, G and B times `ratio`, rounded, at most 255.
void multiply(const Image &image, double ratio);

} // namespace anime
