// SPDX-License-Identifier: LGPL-2.1-or-later
// Filters that follow the edges of a picture: the edge tangent flow of the smoothed structure tensor,
// smoothing along and across it, and a directional shock filter (Kyprianidis and Kang, "Image and Video
// Abstraction by Coherence-Enhancing Filtering", 2011), and the anisotropic Kuwahara filter (Kyprianidis,
// Kang and Doellner, 2009).
#pragma once

#include "models/training/painter/grid.h"

namespace anime::training
{

struct Flow {
    Plane x, y;       ///< unit tangent
    Plane anisotropy; ///< 0: no direction, 1: an edge
    Plane strength;   ///< of the gradient, Lab units per pixel
};

Flow edge_flow(const Picture &picture, float sigma);
Picture along(const Picture &picture, const Flow &flow, float sigma);
Picture across(const Picture &picture, const Flow &flow, float sigma);

/// Each pixel goes toward the lighter or darker side of the edge that it is on, by `strength` (0 to 1).
Picture shock(const Picture &picture, const Flow &flow, const Plane &strength);

/// Dabs of paint that lie along the flow; computed only where `where` is above 0, elsewhere the picture
/// itself.
Picture dabs(const Picture &picture, const Flow &flow, const Plane &where, float radius);

} // namespace anime::training
