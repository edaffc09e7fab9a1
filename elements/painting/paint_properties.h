// SPDX-License-Identifier: LGPL-2.1-or-later
// The properties by which facepaint and animeganfilter choose a painter: model, executor, device, precision,
// threads. Equal values share one painter.
#pragma once

#include "models/painter.h"

#include <gst/gst.h>

#include <functional>
#include <memory>

namespace anime
{

/// How an element opens its painter: open_painter(), or what a test brings.
using PainterOpener = std::function<std::shared_ptr<Painter>(const PaintSettings &)>;

constexpr guint PAINT_PROPERTY_COUNT = 5;

/// Installs them with the ids from `first` to `first` + PAINT_PROPERTY_COUNT - 1. The model may change while
/// playing, the others in READY. The strings have to stay.
void install_paint_properties(GObjectClass *object_class, guint first, const char *default_model,
                              const char *about_model);

/// `index` is the property's id less `first`; false if it is none of them. No string at all is the default.
bool set_paint_property(PaintSettings &settings, guint index, const GValue *value, const char *default_model);
bool get_paint_property(const PaintSettings &settings, guint index, GValue *value);

} // namespace anime
