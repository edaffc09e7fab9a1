// SPDX-License-Identifier: LGPL-2.1-or-later
// How facepaint learns what animeganfilter paints with, so that faces and frame have one style: a query of
// its own that travels downstream.
#pragma once

#include "models/painter.h"

#include <gst/gst.h>

namespace anime
{

/// The value of facepaint's `model` that stands for that of the next animeganfilter.
inline constexpr const char *style_in_use = "auto";

/// `wanted`, unless its model is style_in_use: then with the model of the next animeganfilter downstream of
/// `src`, and with its executor, device, precision, threads and pictures at once where `wanted` leaves them
/// open. Without one, the default model.
PaintSettings follow_style_in_use(GstPad *src, PaintSettings wanted);

/// Whether there is one: it takes the faces that are attached to a frame.
bool has_animeganfilter_behind(GstPad *src);

/// False if the query is another one.
bool answer_style_in_use(GstQuery *query, const PaintSettings &settings);

} // namespace anime
