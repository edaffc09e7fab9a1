// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/animeganfilter/live_size.h"

#include "elements/common/gst_raii.h"

#include <gst/base/gstbasesrc.h>

#include <memory>
#include <utility>

namespace anime
{

namespace
{

using ObjectPtr = std::unique_ptr<GstObject, Release<gst_object_unref>>;

} // namespace

bool is_live(GstPad *sink)
{
    ObjectPtr top(gst_object_get_parent(GST_OBJECT(sink)));
    while (ObjectPtr parent{top ? gst_object_get_parent(top.get()) : nullptr})
        top = std::move(parent);
    if (!top || !GST_IS_BIN(top.get()))
        return false;
    GstIterator *elements = gst_bin_iterate_recurse(GST_BIN(top.get()));
    const auto live_source = [](gconstpointer item, gconstpointer) -> gint {
        auto *element = static_cast<GObject *>(g_value_get_object(static_cast<const GValue *>(item)));
        return GST_IS_BASE_SRC(element) && gst_base_src_is_live(GST_BASE_SRC(element)) ? 0 : 1;
    };
    GValue found = G_VALUE_INIT;
    const bool live = gst_iterator_find_custom(elements, live_source, &found, nullptr);
    if (live)
        g_value_unset(&found);
    gst_iterator_free(elements);
    return live;
}

bool comes_live(GstPad *sink)
{
    const QueryPtr query(gst_query_new_latency());
    gboolean live = FALSE;
    if (gst_pad_peer_query(sink, query.get()))
        gst_query_parse_latency(query.get(), &live, nullptr, nullptr);
    return live;
}

std::optional<FrameSize> live_size(GstPad *sink)
{
    if (!is_live(sink))
        return std::nullopt;
    const CapsPtr caps(gst_pad_peer_query_caps(sink, nullptr));
    if (gst_caps_is_any(caps.get()))
        return std::nullopt;
    std::optional<FrameSize> size;
    for (guint i = 0; i < gst_caps_get_size(caps.get()); ++i) {
        const GstStructure *structure = gst_caps_get_structure(caps.get(), i);
        FrameSize one{};
        if (!gst_structure_get_int(structure, "width", &one.width) ||
            !gst_structure_get_int(structure, "height", &one.height))
            return std::nullopt;
        if (size && (size->width != one.width || size->height != one.height))
            return std::nullopt;
        size = one;
    }
    return size;
}

} // namespace anime
