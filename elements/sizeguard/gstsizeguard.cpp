// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-sizeguard
 * @title: sizeguard
 * @short_description: decodes untrusted images within limits, and bounds raw video
 *
 * Takes a JPEG, PNG or WebP image as bytes, in pieces of any size, and gives out one upright 8-bit RGB frame
 * (RGBA for images with an alpha channel, if the next element takes it; otherwise on white) whose longest
 * side is at most #sizeguard:max-dimension. What the bytes are is told from the bytes. Files that are too
 * large, too many pixels, the wrong kind, truncated or damaged end in an error with a stable code, as soon as
 * it can be known and before anything is decoded where the header tells.
 *
 * From a source of bytes (filesrc, appsrc, souphttpsrc) a stream is one image, and it is decoded at its end.
 * Where the stream is in another format than BYTES (a parser, an encoder, appsrc format=time), or the caps
 * say parsed=true, each buffer is one image, and the frames have the buffers' times, or those of a film where
 * the buffers have none and the caps tell a frame rate.
 *
 * Raw video is passed on, scaled down where it is larger than #sizeguard:max-dimension.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 filesrc location=photo.jpg ! sizeguard ! pngenc ! filesink location=small.png
 * ]| A photo, upright and at most 2000 pixels large.
 * |[
 * gst-launch-1.0 -m filesrc location=photo.jpg ! sizeguard max-dimension=512 action=reject ! fakesink
 * ]| Shows the message or the error.
 * |[
 * gst-launch-1.0 multifilesrc location=%03d.jpg caps=image/jpeg,parsed=true,framerate=25/1 ! sizeguard ! \
 *   videoconvert ! autovideosink
 * ]| A folder of numbered photos as a film.
 */
#include "elements/sizeguard/gstsizeguard.h"

#include "elements/common/gst_raii.h"
#include "elements/common/report.h"
#include "elements/sizeguard/stream.h"

#include <gst/video/video.h>

GST_DEBUG_CATEGORY(sizeguard_debug);

struct GstSizeguard {
    GstElement parent;
    GstPad *sink;
    GstPad *src;
    anime::SizeguardStream *stream;
};

struct GstSizeguardClass {
    GstElementClass parent_class;
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS("image/jpeg; image/png; image/webp; " GST_VIDEO_CAPS_MAKE(GST_VIDEO_FORMATS_ALL)));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE(GST_VIDEO_FORMATS_ALL)));

G_DEFINE_TYPE(GstSizeguard, gst_sizeguard, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE(sizeguard, "sizeguard", GST_RANK_NONE, gst_sizeguard_get_type())

#define GST_SIZEGUARD(object) (G_TYPE_CHECK_INSTANCE_CAST((object), gst_sizeguard_get_type(), GstSizeguard))

/// Runs `step` of the stream, which may throw; then the stream gives up, and `failed` is returned.
template <typename Result, typename Step>
static Result guarded(GstObject *parent, Result failed, Step step)
{
    anime::SizeguardStream &stream = *GST_SIZEGUARD(parent)->stream;
    try {
        return step(stream);
    } catch (...) {
        stream.give_up(anime::current_failure());
        return failed;
    }
}

static GstFlowReturn gst_sizeguard_chain(GstPad *, GstObject *parent, GstBuffer *buffer)
{
    return guarded(parent, GST_FLOW_ERROR,
                   [buffer](anime::SizeguardStream &stream) { return stream.buffer(buffer); });
}

static gboolean gst_sizeguard_sink_event(GstPad *, GstObject *parent, GstEvent *event)
{
    return guarded(parent, FALSE,
                   [event](anime::SizeguardStream &stream) -> gboolean { return stream.event(event); });
}

static gboolean gst_sizeguard_sink_query(GstPad *pad, GstObject *parent, GstQuery *query)
{
    auto &stream = *GST_SIZEGUARD(parent)->stream;
    switch (GST_QUERY_TYPE(query)) {
    case GST_QUERY_CAPS: {
        GstCaps *filter;
        gst_query_parse_caps(query, &filter);
        const anime::CapsPtr caps(stream.sink_caps(filter));
        gst_query_set_caps_result(query, caps.get());
        return TRUE;
    }
    case GST_QUERY_ACCEPT_CAPS: {
        // Of encoded images the caps are only a name; the bytes decide.
        GstCaps *caps;
        gst_query_parse_accept_caps(query, &caps);
        const anime::CapsPtr allowed(gst_pad_get_pad_template_caps(pad));
        const bool raw = gst_structure_has_name(gst_caps_get_structure(caps, 0), "video/x-raw");
        gst_query_set_accept_caps_result(query, !raw || gst_caps_is_subset(caps, allowed.get()));
        return TRUE;
    }
    case GST_QUERY_ALLOCATION:
        return stream.answer_allocation(query);
    default:
        return gst_pad_query_default(pad, parent, query);
    }
}

static gboolean gst_sizeguard_src_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
    if (GST_EVENT_TYPE(event) == GST_EVENT_QOS) {
        gdouble proportion;
        GstClockTime timestamp;
        GstClockTimeDiff jitter;
        gst_event_parse_qos(event, nullptr, &proportion, &jitter, &timestamp);
        GST_SIZEGUARD(parent)->stream->late(timestamp, jitter, proportion);
    }
    return gst_pad_event_default(pad, parent, event);
}

static gboolean gst_sizeguard_src_query(GstPad *pad, GstObject *parent, GstQuery *query)
{
    if (GST_QUERY_TYPE(query) == GST_QUERY_LATENCY)
        return GST_SIZEGUARD(parent)->stream->answer_latency(query);
    return gst_pad_query_default(pad, parent, query);
}

static void gst_sizeguard_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
    if (!GST_SIZEGUARD(object)->stream->set_property(id, value))
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

static void gst_sizeguard_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    if (!GST_SIZEGUARD(object)->stream->get_property(id, value))
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

static GstStateChangeReturn gst_sizeguard_change_state(GstElement *element, GstStateChange transition)
{
    auto &stream = *GST_SIZEGUARD(element)->stream;
    if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
        stream.reset();
        stream.set_stopping(false);
    }
    // Deactivating the pads waits for the streaming thread, so the image in work has to end first.
    if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
        stream.set_stopping(true);
    const GstStateChangeReturn result =
        GST_ELEMENT_CLASS(gst_sizeguard_parent_class)->change_state(element, transition);
    if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
        stream.release();
    return result;
}

static void gst_sizeguard_finalize(GObject *object)
{
    delete GST_SIZEGUARD(object)->stream;
    G_OBJECT_CLASS(gst_sizeguard_parent_class)->finalize(object);
}

static void gst_sizeguard_init(GstSizeguard *self)
{
    self->sink = gst_pad_new_from_static_template(&sink_template, "sink");
    gst_pad_set_chain_function(self->sink, gst_sizeguard_chain);
    gst_pad_set_event_function(self->sink, gst_sizeguard_sink_event);
    gst_pad_set_query_function(self->sink, gst_sizeguard_sink_query);
    gst_element_add_pad(GST_ELEMENT(self), self->sink);

    self->src = gst_pad_new_from_static_template(&src_template, "src");
    gst_pad_set_event_function(self->src, gst_sizeguard_src_event);
    gst_pad_set_query_function(self->src, gst_sizeguard_src_query);
    gst_element_add_pad(GST_ELEMENT(self), self->src);

    self->stream = new anime::SizeguardStream(GST_ELEMENT(self), self->sink, self->src);
}

static void gst_sizeguard_class_init(GstSizeguardClass *klass)
{
    GST_DEBUG_CATEGORY_INIT(sizeguard_debug, "sizeguard", 0, "Image guard");
    auto *object_class = G_OBJECT_CLASS(klass);
    auto *element_class = GST_ELEMENT_CLASS(klass);

    object_class->set_property = gst_sizeguard_set_property;
    object_class->get_property = gst_sizeguard_get_property;
    object_class->finalize = gst_sizeguard_finalize;
    anime::sizeguard_properties().install(
        object_class, "Images passed, shrunk, refused and dropped, their bytes and times");

    gst_element_class_add_static_pad_template(element_class, &sink_template);
    gst_element_class_add_static_pad_template(element_class, &src_template);
    gst_element_class_set_static_metadata(
        element_class, "Image guard", "Codec/Decoder/Image",
        "Decodes untrusted JPEG, PNG and WebP images within limits, and bounds raw video", "gst-anime");
    element_class->change_state = gst_sizeguard_change_state;
}
