// SPDX-License-Identifier: LGPL-2.1-or-later
// Pads of a film's streams: probes that own what they need, and ends for what nobody wants.
#pragma once

#include "elements/common/gst_raii.h"

#include <utility>

namespace anime
{

constexpr auto buffers_and_events =
    static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM);

/// `data` lives as long as the pad.
template <typename Type>
void add_probe(GstPad *pad, GstPadProbeType type,
               GstPadProbeReturn (*probe)(GstPad *, GstPadProbeInfo *, gpointer), Type data)
{
    gst_pad_add_probe(pad, type, probe, new Type(std::move(data)),
                      [](gpointer one) { delete static_cast<Type *>(one); });
}

inline bool is_buffer(const GstPadProbeInfo *info)
{
    return (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER) != 0;
}

/// Links a pad that has appeared in a pipeline to a sink that takes everything.
void drain(GstBin *pipeline, GstPad *pad);

} // namespace anime
