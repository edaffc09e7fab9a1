// SPDX-License-Identifier: LGPL-2.1-or-later
// Published filters, written anew: Gaussian and bilateral smoothing, rolling guidance (Zhang et al., ECCV
// 2014), the guided filter (He et al., ECCV 2010), gradients.
#pragma once

#include "models/training/painter/grid.h"

#include <algorithm>

namespace anime::training
{

/// 0 below `low`, 1 above `high`, a cubic between.
inline float ramp(float value, float low, float high)
{
    const float t = std::clamp((value - low) / (high - low), 0.0F, 1.0F);
    return t * t * (3 - 2 * t);
}

Plane blur(const Plane &plane, float sigma);
Picture blur(const Picture &picture, float sigma);
Plane channel(const Picture &picture, int index);

/// Mean of `picture` over a disk, weighted by distance and by how alike the pixels of `guide` are. `range` is
/// the standard deviation of that likeness in Lab units, and may differ from pixel to pixel.
Picture joint_bilateral(const Picture &picture, const Picture &guide, int radius, float sigma,
                        const Plane &range);

/// Removes what is smaller than about `sigma` and brings back the edges of what is larger.
Picture rolling_guidance(const Picture &picture, float sigma, const Plane &range, int rounds);

/// Smooths a plane but for its own edges. `epsilon` is the variance below which it is smoothed away.
Plane guided(const Plane &plane, int radius, float epsilon);

/// Strength of the gradient by Scharr's operator, in units per pixel.
Plane gradient(const Plane &plane);
Plane dilate3(const Plane &plane);

/// Standard deviation in a Gaussian window.
Plane deviation(const Plane &plane, float sigma);

} // namespace anime::training
