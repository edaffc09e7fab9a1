// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/film/probe.h"

namespace anime
{

void drain(GstBin *pipeline, GstPad *pad)
{
    GstElement *sink = gst_element_factory_make("fakesink", nullptr);
    g_object_set(sink, "sync", FALSE, "async", FALSE, nullptr);
    gst_bin_add(pipeline, sink);
    gst_element_sync_state_with_parent(sink);
    const PadPtr in(gst_element_get_static_pad(sink, "sink"));
    gst_pad_link(pad, in.get());
}

} // namespace anime
