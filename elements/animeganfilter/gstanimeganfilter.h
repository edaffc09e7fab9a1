// SPDX-License-Identifier: LGPL-2.1-or-later
// The element animeganfilter: paints each frame in the style of a model.
#pragma once

#include "elements/painting/paint_properties.h"

#include <gst/gst.h>

#include <cstdint>
#include <functional>

G_BEGIN_DECLS
    GST_ELEMENT_REGISTER_DECLARE(animeganfilter)
G_END_DECLS

namespace anime
{

/// Lets an animeganfilter that has not started yet open its painters with `opener` instead of open_painter();
/// tests bring painters whose answers are known.
void set_painter_opener(GstElement *element, PainterOpener opener);

/// In nanoseconds.
using FrameClock = std::function<std::uint64_t()>;

/// Has an animeganfilter that has not started yet measure by `clock` how long its frames take; tests say so.
void set_frame_clock(GstElement *element, FrameClock clock);

} // namespace anime
