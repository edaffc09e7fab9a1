// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/painting/gstanimepainting.h"

#include <gst/video/video.h>

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE("{ RGB, RGBA }")));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE("{ RGB, RGBA }")));

G_DEFINE_ABSTRACT_TYPE(GstAnimePainting, gst_anime_painting, GST_TYPE_VIDEO_FILTER)

static anime::PaintingFilter &impl_of(gpointer object)
{
    return *GST_ANIME_PAINTING(object)->impl;
}

static void gst_anime_painting_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
    if (!impl_of(object).set(id, value))
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

static void gst_anime_painting_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    if (!impl_of(object).get(id, value))
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

void gst_anime_painting_use_properties(GObjectClass *derived)
{
    derived->set_property = gst_anime_painting_set_property;
    derived->get_property = gst_anime_painting_get_property;
}

static gboolean gst_anime_painting_stop(GstBaseTransform *trans)
{
    impl_of(trans).stop();
    impl_of(trans).close_model();
    return TRUE;
}

static gboolean gst_anime_painting_start(GstBaseTransform *trans)
{
    auto &impl = impl_of(trans);
    impl.cancel.set_flushing(false);
    impl.cancel.set_stopping(false);
    impl.reporter.reset();
    try {
        impl.start();
        return TRUE;
    } catch (...) {
        const anime::Failure failure = anime::current_failure();
        gst_anime_painting_stop(trans);
        anime::post_failure(GST_ELEMENT(trans), failure);
        return FALSE;
    }
}

static GstStateChangeReturn gst_anime_painting_change_state(GstElement *element, GstStateChange transition)
{
    // Deactivating the pads waits for the streaming thread, so the frame in work has to end first.
    if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
        impl_of(element).cancel.set_stopping(true);
    return GST_ELEMENT_CLASS(gst_anime_painting_parent_class)->change_state(element, transition);
}

static gboolean gst_anime_painting_sink_event(GstBaseTransform *trans, GstEvent *event)
{
    auto &impl = impl_of(trans);
    if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_START)
        impl.cancel.set_flushing(true);
    if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP) // serialized: no frame is in work
        impl.cancel.set_flushing(false);
    // Comes behind a flush, a seek and a new stream. The flag DISCONT says less: the base class sets it on
    // what follows each late frame that it dropped.
    if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT)
        impl.start_over();
    return GST_BASE_TRANSFORM_CLASS(gst_anime_painting_parent_class)->sink_event(trans, event);
}

static gboolean gst_anime_painting_src_event(GstBaseTransform *trans, GstEvent *event)
{
    if (GST_EVENT_TYPE(event) == GST_EVENT_QOS) {
        GstClockTimeDiff lateness = 0;
        gst_event_parse_qos(event, nullptr, nullptr, &lateness, nullptr);
        impl_of(trans).heard_of_lateness(lateness);
    }
    return GST_BASE_TRANSFORM_CLASS(gst_anime_painting_parent_class)->src_event(trans, event);
}

static gboolean gst_anime_painting_query(GstBaseTransform *trans, GstPadDirection direction, GstQuery *query)
{
    if (direction == GST_PAD_SRC && GST_QUERY_TYPE(query) == GST_QUERY_LATENCY)
        return impl_of(trans).reporter.answer_latency(GST_BASE_TRANSFORM_SINK_PAD(trans), query);
    return GST_BASE_TRANSFORM_CLASS(gst_anime_painting_parent_class)->query(trans, direction, query);
}

// Controlled properties follow stream time.
static void gst_anime_painting_before_transform(GstBaseTransform *trans, GstBuffer *buffer)
{
    const GstSegment &segment = trans->segment;
    if (segment.format != GST_FORMAT_TIME)
        return;
    const GstClockTime stream_time =
        gst_segment_to_stream_time(&segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
    if (GST_CLOCK_TIME_IS_VALID(stream_time))
        gst_object_sync_values(GST_OBJECT(trans), stream_time);
}

static GstFlowReturn gst_anime_painting_submit_input_buffer(GstBaseTransform *trans, gboolean is_discont,
                                                            GstBuffer *buffer)
{
    const GstClockTime pts = GST_BUFFER_PTS(buffer);
    impl_of(trans).frame_arrived(buffer, anime::frame_period(GST_VIDEO_FILTER(trans)->in_info));
    const GstFlowReturn flow = GST_BASE_TRANSFORM_CLASS(gst_anime_painting_parent_class)
                                   ->submit_input_buffer(trans, is_discont, buffer);
    // The base class drops late frames and posts the QoS message.
    if (flow == GST_BASE_TRANSFORM_FLOW_DROPPED)
        impl_of(trans).dropped_frame(pts);
    return flow;
}

static gboolean gst_anime_painting_transform_meta(GstBaseTransform *trans, GstBuffer *out, GstMeta *meta,
                                                  GstBuffer *in)
{
    // Nothing moves in the picture.
    if (meta->info->api == GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE ||
        meta->info->api == GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)
        return TRUE;
    return GST_BASE_TRANSFORM_CLASS(gst_anime_painting_parent_class)->transform_meta(trans, out, meta, in);
}

static gboolean gst_anime_painting_set_info(GstVideoFilter *filter, GstCaps *caps, GstVideoInfo *, GstCaps *,
                                            GstVideoInfo *)
{
    impl_of(filter).log_caps(caps);
    impl_of(filter).start_over();
    impl_of(filter).reporter.warm_up();
    return TRUE;
}

static void gst_anime_painting_finalize(GObject *object)
{
    delete GST_ANIME_PAINTING(object)->impl;
    G_OBJECT_CLASS(gst_anime_painting_parent_class)->finalize(object);
}

static void gst_anime_painting_init(GstAnimePainting *) {}

static void gst_anime_painting_class_init(GstAnimePaintingClass *klass)
{
    auto *element_class = GST_ELEMENT_CLASS(klass);
    auto *trans_class = GST_BASE_TRANSFORM_CLASS(klass);

    G_OBJECT_CLASS(klass)->finalize = gst_anime_painting_finalize;
    gst_element_class_add_static_pad_template(element_class, &sink_template);
    gst_element_class_add_static_pad_template(element_class, &src_template);
    element_class->change_state = gst_anime_painting_change_state;
    trans_class->start = gst_anime_painting_start;
    trans_class->stop = gst_anime_painting_stop;
    trans_class->sink_event = gst_anime_painting_sink_event;
    trans_class->src_event = gst_anime_painting_src_event;
    trans_class->query = gst_anime_painting_query;
    trans_class->before_transform = gst_anime_painting_before_transform;
    trans_class->submit_input_buffer = gst_anime_painting_submit_input_buffer;
    trans_class->transform_meta = gst_anime_painting_transform_meta;
    GST_VIDEO_FILTER_CLASS(klass)->set_info = gst_anime_painting_set_info;
    gst_type_mark_as_plugin_api(gst_anime_painting_get_type(), static_cast<GstPluginAPIFlags>(0));
}
