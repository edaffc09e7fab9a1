// SPDX-License-Identifier: LGPL-2.1-or-later
// The properties of animeganfilter: what the user may set, and how GObject sees it.
#pragma once

#include "elements/animeganfilter/frame_painter.h"
#include "elements/common/property_table.h"
#include "models/painter.h"

#include <gst/gst.h>

namespace anime
{

/// What the user asked for.
struct AnimeganFilterSettings {
    PaintSettings paint;
    FrameSettings frame;
    GstClockTime message_interval = 0;
    /// Frames a second that are to be held, see RateKeeper; 0: none.
    int target_numerator = 0;
    int target_denominator = 1;
};

/// All but `stats`.
const PropertyTable<AnimeganFilterSettings> &animeganfilter_properties();

} // namespace anime
