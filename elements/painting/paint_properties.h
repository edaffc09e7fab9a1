// SPDX-License-Identifier: LGPL-2.1-or-later
// The properties by which facepaint and animeganfilter choose a painter: model, executor, device, precision,
// threads. Equal values share one painter.
#pragma once

#include "elements/common/property_table.h"
#include "models/painter.h"

#include <gst/gst.h>

#include <functional>
#include <memory>

namespace anime
{

/// How an element opens its painter: open_painter(), or what a test brings.
using PainterOpener = std::function<std::shared_ptr<Painter>(const PaintSettings &)>;

/// The values are only for GObject; PaintSettings has the nicks.
GType executor_type();
GType precision_type();

/// Adds them to an element whose settings have a PaintSettings `paint`. The model may change while playing,
/// the others in READY.
template <typename Settings>
void add_paint_properties(PropertyTable<Settings> &table, const char *about_model)
{
    table.add_text(
        {"model", "Model", about_model, mutable_playing},
        [](auto &settings) -> auto & { return settings.paint.model; });
    table.add_choice(
        {"executor", "Executor", "What runs the model", mutable_ready}, executor_type(),
        [](auto &settings) -> auto & { return settings.paint.executor; });
    table.add_text(
        {"device", "Device", "Where the model runs: auto, cpu, or cuda:N", mutable_ready},
        [](auto &settings) -> auto & { return settings.paint.device; });
    table.add_choice(
        {"precision", "Precision", "Numbers that the model is run with", mutable_ready}, precision_type(),
        [](auto &settings) -> auto & { return settings.paint.precision; });
    table.add_number(
        {"threads", "Threads",
         "CPU threads that paint, shared by all elements of the process (0: one per core)", mutable_ready},
        0U, 1024U, [](auto &settings) -> auto & { return settings.paint.threads; });
}

} // namespace anime
