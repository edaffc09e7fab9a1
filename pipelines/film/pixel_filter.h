// SPDX-License-Identifier: LGPL-2.1-or-later
// Two steps that a film's pictures may need before the painter, as elements of the runner's own (they are in
// no plugin, and have no name to be asked for).
#pragma once

#include "elements/common/gst_raii.h"

namespace anime
{

/// ARGB64 with BT.2020 and HLG or PQ becomes RGB with BT.709 (tone_curve.h). `peak`: in cd/m².
GstElement *make_tone_mapper(float peak);

/// RGBA becomes opaque RGBA, over white.
GstElement *make_flattener();

} // namespace anime
