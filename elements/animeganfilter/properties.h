// SPDX-License-Identifier: LGPL-2.1-or-later
// The properties of animeganfilter: what the user may set, and how GObject sees it.
#pragma once

#include "elements/animeganfilter/frame_painter.h"
#include "models/painter.h"

#include <gst/gst.h>

namespace anime
{

/// What the user asked for.
struct AnimeganFilterSettings {
    PaintSettings paint;
    FrameSettings frame;
    GstClockTime message_interval = 0;
    /// Frames a second that are to be held, by painting smaller; 0: none.
    int target_numerator = 0;
    int target_denominator = 1;
};

/// The read-only property that the element answers itself.
constexpr guint ANIMEGANFILTER_PROP_STATS = 1;

void install_animeganfilter_properties(GObjectClass *object_class);

/// False for an id that is no setting.
bool set_animeganfilter_property(AnimeganFilterSettings &settings, guint id, const GValue *value);
bool get_animeganfilter_property(const AnimeganFilterSettings &settings, guint id, GValue *value);

} // namespace anime
