// SPDX-License-Identifier: LGPL-2.1-or-later
// What all looks share: the photo's shapes, flattened, and where the lines go. Everything here depends on the
// pixel's neighbourhood alone and never on the whole picture, so that a small network can learn it.
#pragma once

#include "models/training/painter/grid.h"

namespace anime::training
{

struct Drawing {
    Picture base;    ///< the photo without its noise
    Picture flat;    ///< shapes in the photo's colours, texture gone
    Plane line;      ///< 0 to 1: how much of a line is here
    Plane lightness; ///< L of `flat`, smoothed but for its edges: what cel shading divides
    Plane skin;      ///< 0 to 1: has the colour of some human skin
    Plane feature;   ///< 0 to 1: eyes, brows, lips: small and contrasty, with skin around
    Plane shaded;    ///< 0 to 1: where steps of shading may be seen; not in skies and clouds
    Plane border;    ///< gradient of `flat` at the scale of shapes, Lab units per pixel
};

Drawing draw(const Picture &photo);

} // namespace anime::training
