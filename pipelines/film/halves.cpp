// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/film/halves.h"

#include "pipelines/film/problem.h"

#include <set>

namespace anime
{

namespace
{

ElementPtr bin_of(const Pipeline &pipeline)
{
    const ElementPtr streams = pipeline.element("streams");
    return ElementPtr(GST_ELEMENT(gst_element_get_parent(streams.get())));
}

void add_linked(GstElement *element, std::set<GstElement *> &found)
{
    if (!found.insert(element).second)
        return;
    const auto follow = [](GstElement *, GstPad *pad, gpointer data) -> gboolean {
        const PadPtr peer(gst_pad_get_peer(pad));
        if (const ElementPtr next(peer ? gst_pad_get_parent_element(peer.get()) : nullptr); next)
            add_linked(next.get(), *static_cast<std::set<GstElement *> *>(data));
        return TRUE;
    };
    gst_element_foreach_pad(element, follow, &found);
}

/// Removes the element of this name and all that are linked to it.
void remove_linked(const Pipeline &pipeline, const char *name)
{
    const ElementPtr element = pipeline.element(name);
    if (!element)
        return;
    std::set<GstElement *> linked;
    add_linked(element.get(), linked);
    const ElementPtr bin = bin_of(pipeline);
    for (GstElement *one : linked)
        gst_bin_remove(GST_BIN(bin.get()), one);
}

} // namespace

std::unique_ptr<Pipeline> painting_half(const Description &description)
{
    auto pipeline = std::make_unique<Pipeline>(description);
    const ElementPtr coded = pipeline->element("coded");
    CapsPtr taken;
    {
        const ElementPtr muxer = pipeline->element("mux");
        GstPadTemplate *pad = gst_element_get_pad_template(muxer.get(), "video_%u");
        if (pad)
            taken.reset(gst_pad_template_get_caps(pad));
    }
    remove_linked(*pipeline, "mux");
    GstElement *filter = gst_element_factory_make("capsfilter", nullptr);
    GstElement *sink = gst_element_factory_make("fakesink", nullptr);
    g_object_set(filter, "caps", taken.get(), nullptr);
    g_object_set(sink, "sync", FALSE, "async", FALSE, nullptr);
    const ElementPtr bin = bin_of(*pipeline);
    gst_bin_add_many(GST_BIN(bin.get()), filter, sink, nullptr);
    if (!taken || !gst_element_link_many(coded.get(), filter, sink, nullptr))
        throw PipelineError(problem("description-invalid",
                                    "The element \"coded\" can't be linked to \"mux\".",
                                    "docs/films.md says what a film's description has."));
    return pipeline;
}

std::unique_ptr<Pipeline> joining_half(const Description &description)
{
    auto pipeline = std::make_unique<Pipeline>(description);
    for (const char *name : {"picture", "decoder", "frames", "coded"})
        remove_linked(*pipeline, name);
    return pipeline;
}

} // namespace anime
