// SPDX-License-Identifier: LGPL-2.1-or-later
// The properties of facepaint: what the user may set, and how GObject sees it.
#pragma once

#include "elements/common/property_table.h"
#include "elements/facepaint/face_painter.h"
#include "elements/painting/style_in_use.h"
#include "models/painter.h"

#include <gst/gst.h>

namespace anime
{

enum class FaceMode { blend, overlay };
enum class BackgroundDetection { automatic, off, on };

/// What the user asked for.
struct FacepaintSettings {
    PaintSettings paint{.model = style_in_use};
    FaceSettings faces;
    FaceMode mode = FaceMode::blend;
    BackgroundDetection background = BackgroundDetection::automatic;
    bool align = false;
    GstClockTime message_interval = 0;
};

/// All but `stats`.
const PropertyTable<FacepaintSettings> &facepaint_properties();

} // namespace anime
