// SPDX-License-Identifier: LGPL-2.1-or-later
// The steps between a film's Y'CbCr and the painter's RGB, as elements for the films' descriptions:
// "filmtorgb" and "filmfromrgb". They are in no plugin; only this process knows them.
#pragma once

namespace anime
{

/// Makes the two known to whoever makes a pipeline of a description. May be called again.
void register_yuv_filters();

} // namespace anime
