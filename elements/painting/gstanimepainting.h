// SPDX-License-Identifier: LGPL-2.1-or-later
// The class from which facepaint and animeganfilter derive: a video filter that paints with a model. It gives
// up the frame in work on a flush or a stop, answers the latency, and keeps what other elements attached to a
// frame; the rest is PaintingFilter's. Frames are RGB or RGBA.
#pragma once

#include "elements/painting/painting_filter.h"

#include <gst/video/gstvideofilter.h>

struct GstAnimePainting {
    GstVideoFilter parent;
    anime::PaintingFilter *impl; ///< made by the derived class's init, and owned
};

struct GstAnimePaintingClass {
    GstVideoFilterClass parent_class;
};

GType gst_anime_painting_get_type();

/// Has its properties set and read by PaintingFilter::set() and get(). GObject inherits everything but this,
/// so a derived class's init calls it before it installs properties.
void gst_anime_painting_use_properties(GObjectClass *derived);

#define GST_ANIME_PAINTING(object)                                                                           \
    (G_TYPE_CHECK_INSTANCE_CAST((object), gst_anime_painting_get_type(), GstAnimePainting))
