// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-animeganfilter
 * @title: animeganfilter
 * @short_description: paints pictures and video in the style of an anime film
 *
 * Paints each frame with a neural network (AnimeGANv2 and smaller relatives) and gives it out at the same
 * size, any size from 1×1 up. Alpha is kept. The network is the one that #animeganfilter:model names: one of
 * the catalogue, or a file. Weights are loaded once in a process however many elements use them.
 *
 * Faces that facepaint has painted and attached (`mode=overlay`) are matched to the colours of the painted
 * frame and blended into it. Other overlays and regions of interest stay on the buffer.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=1 ! videoconvert ! animeganfilter ! pngenc ! \
 *   filesink location=anime.png
 * ]| A test picture, painted.
 * |[
 * gst-launch-1.0 filesrc location=photo.jpg ! sizeguard ! animeganfilter strength=0.7 ! pngenc ! \
 *   filesink location=anime.png
 * ]| A photo, seven tenths of the way to its painting.
 */
#include "elements/animeganfilter/gstanimeganfilter.h"

#include "elements/animeganfilter/frame_painter.h"
#include "elements/animeganfilter/properties.h"
#include "elements/gst_raii.h"
#include "elements/overlay/face_overlay.h"
#include "elements/painting/cancel.h"
#include "elements/report/report.h"

#include <gst/video/gstvideofilter.h>
#include <gst/video/video.h>

#include <chrono>
#include <mutex>
#include <type_traits>
#include <utility>
#include <vector>

GST_DEBUG_CATEGORY_STATIC(animeganfilter_debug);
#define GST_CAT_DEFAULT animeganfilter_debug

namespace anime
{
namespace
{

/// Everything of the element that has a destructor.
struct AnimeganFilter {
    PainterOpener open = open_painter;
    Cancel cancel;
    FrameReporter reporter;

    /// Protects `settings`: set from any thread, copied by the streaming thread once per frame. Never held
    /// together with `last_lock`.
    std::mutex settings_lock;
    Settings settings;

    // Of the streaming thread; start() and stop() run while there is none.
    FramePainter frames;
    std::shared_ptr<Painter> painter;
    PaintSettings opened; ///< what the last painter was opened with

    /// Protects what `stats` shows of the last frame.
    std::mutex last_lock;
    PainterInfo last_info;
    FrameStats last_frame;

    Settings copy_settings()
    {
        const std::lock_guard guard(settings_lock);
        return settings;
    }
    /// Throws what open_painter() throws; the painter before is let go first, so that two models are never in
    /// memory for one stream.
    void open_model(const PaintSettings &wanted);
    FrameStats paint(const ConstImage &in, const Image &out, std::vector<Patch> faces, const Settings &now);
    void remember(const FrameStats &frame);
    void add_fields(GstStructure *structure);
};

void AnimeganFilter::open_model(const PaintSettings &wanted)
{
    painter.reset();
    frames.forget();
    painter = open(wanted);
    opened = wanted;
    remember({});
}

void AnimeganFilter::remember(const FrameStats &frame)
{
    // The executor makes a plan for a size when it first meets it.
    if (frame.painted_width != last_frame.painted_width || frame.painted_height != last_frame.painted_height)
        reporter.warm_up();
    const std::lock_guard guard(last_lock);
    last_info = painter->info();
    last_frame = frame;
}

void AnimeganFilter::add_fields(GstStructure *structure)
{
    const std::lock_guard guard(last_lock);
    gst_structure_set(structure, "model", G_TYPE_STRING, last_info.model.c_str(), "digest", G_TYPE_STRING,
                      last_info.digest.c_str(), "executor", G_TYPE_STRING, last_info.executor.c_str(),
                      "device", G_TYPE_STRING, last_info.device.c_str(), "precision", G_TYPE_STRING,
                      last_info.precision.c_str(), "isa", G_TYPE_STRING, last_info.isa.c_str(), "width",
                      G_TYPE_INT, last_frame.painted_width, "height", G_TYPE_INT, last_frame.painted_height,
                      "inference-time", G_TYPE_UINT64, guint64{last_frame.cost.inference_ns}, "wait-time",
                      G_TYPE_UINT64, guint64{last_frame.cost.wait_ns}, "memory", G_TYPE_UINT64,
                      guint64{last_frame.cost.memory_bytes}, nullptr);
}

FrameStats AnimeganFilter::paint(const ConstImage &in, const Image &out, std::vector<Patch> faces,
                                 const Settings &now)
{
    if (!painter || now.paint.model != opened.model) { // no painter: the last change failed
        PaintSettings wanted = opened;
        wanted.model = now.paint.model;
        open_model(wanted);
    }
    FrameStats stats;
    if (is_visible(now.frame.strength)) {
        stats = frames.paint(*painter, in, out, now.frame, cancel.flag());
        for (Patch &face : faces) {
            match_colours(face, as_const(out));
            blend_patch(out, face);
        }
    }
    finish_frame(in, out, now.frame.strength);
    return stats;
}

} // namespace
} // namespace anime

struct GstAnimeganFilter {
    GstVideoFilter parent;
    anime::AnimeganFilter *impl;
};

struct GstAnimeganFilterClass {
    GstVideoFilterClass parent_class;
};

#define GST_ANIMEGAN_FILTER(object) (reinterpret_cast<GstAnimeganFilter *>(object))

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE("{ RGB, RGBA }")));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE("{ RGB, RGBA }")));

G_DEFINE_TYPE(GstAnimeganFilter, gst_animegan_filter, GST_TYPE_VIDEO_FILTER)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(animeganfilter, "animeganfilter", GST_RANK_NONE,
                                      gst_animegan_filter_get_type(),
                                      GST_DEBUG_CATEGORY_INIT(animeganfilter_debug, "animeganfilter", 0,
                                                              "paints frames"))

static void gst_animegan_filter_set_property(GObject *object, guint id, const GValue *value,
                                             GParamSpec *pspec)
{
    auto &impl = *GST_ANIMEGAN_FILTER(object)->impl;
    const std::lock_guard guard(impl.settings_lock);
    if (!anime::set_property(impl.settings, id, value))
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

static void gst_animegan_filter_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    auto &impl = *GST_ANIMEGAN_FILTER(object)->impl;
    if (id == anime::PROP_STATS) {
        GstStructure *stats = impl.reporter.stats("animeganfilter");
        impl.add_fields(stats);
        g_value_take_boxed(value, stats);
    } else if (!anime::get_property(impl.copy_settings(), id, value)) {
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static gboolean gst_animegan_filter_start(GstBaseTransform *trans)
{
    auto &impl = *GST_ANIMEGAN_FILTER(trans)->impl;
    impl.cancel.set_flushing(false);
    impl.cancel.set_stopping(false);
    impl.reporter.reset();
    try {
        impl.open_model(impl.copy_settings().paint);
        return TRUE;
    } catch (...) {
        anime::post_failure(GST_ELEMENT(trans), anime::current_failure());
        return FALSE;
    }
}

static gboolean gst_animegan_filter_stop(GstBaseTransform *trans)
{
    auto &impl = *GST_ANIMEGAN_FILTER(trans)->impl;
    impl.painter.reset();
    impl.frames.forget();
    return TRUE;
}

static GstStateChangeReturn gst_animegan_filter_change_state(GstElement *element, GstStateChange transition)
{
    // Deactivating the pads waits for the streaming thread, so the frame in work has to end first.
    if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
        GST_ANIMEGAN_FILTER(element)->impl->cancel.set_stopping(true);
    return GST_ELEMENT_CLASS(gst_animegan_filter_parent_class)->change_state(element, transition);
}

static gboolean gst_animegan_filter_sink_event(GstBaseTransform *trans, GstEvent *event)
{
    auto &impl = *GST_ANIMEGAN_FILTER(trans)->impl;
    if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_START)
        impl.cancel.set_flushing(true);
    if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP) { // serialized: no frame is in work
        impl.cancel.set_flushing(false);
        impl.frames.forget();
    }
    return GST_BASE_TRANSFORM_CLASS(gst_animegan_filter_parent_class)->sink_event(trans, event);
}

static gboolean gst_animegan_filter_query(GstBaseTransform *trans, GstPadDirection direction, GstQuery *query)
{
    if (direction == GST_PAD_SRC && GST_QUERY_TYPE(query) == GST_QUERY_LATENCY)
        return GST_ANIMEGAN_FILTER(trans)->impl->reporter.answer_latency(GST_BASE_TRANSFORM_SINK_PAD(trans),
                                                                         query);
    return GST_BASE_TRANSFORM_CLASS(gst_animegan_filter_parent_class)->query(trans, direction, query);
}

static GstFlowReturn gst_animegan_filter_submit_input_buffer(GstBaseTransform *trans, gboolean is_discont,
                                                             GstBuffer *buffer)
{
    const GstFlowReturn flow = GST_BASE_TRANSFORM_CLASS(gst_animegan_filter_parent_class)
                                   ->submit_input_buffer(trans, is_discont, buffer);
    // The base class drops late frames and posts the QoS message.
    if (flow == GST_BASE_TRANSFORM_FLOW_DROPPED)
        GST_ANIMEGAN_FILTER(trans)->impl->reporter.dropped();
    return flow;
}

static void gst_animegan_filter_before_transform(GstBaseTransform *trans, GstBuffer *buffer)
{
    const GstSegment &segment = trans->segment;
    if (segment.format != GST_FORMAT_TIME)
        return;
    const GstClockTime stream_time =
        gst_segment_to_stream_time(&segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
    if (GST_CLOCK_TIME_IS_VALID(stream_time))
        gst_object_sync_values(GST_OBJECT(trans), stream_time);
}

static gboolean gst_animegan_filter_transform_meta(GstBaseTransform *trans, GstBuffer *out, GstMeta *meta,
                                                   GstBuffer *in)
{
    // Nothing moves in the picture.
    if (meta->info->api == GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE ||
        meta->info->api == GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)
        return TRUE;
    return GST_BASE_TRANSFORM_CLASS(gst_animegan_filter_parent_class)->transform_meta(trans, out, meta, in);
}

// Having this keeps GstVideoFilter from working in place: a painter may not write into what it reads.
static GstFlowReturn gst_animegan_filter_transform_frame(GstVideoFilter *filter, GstVideoFrame *in,
                                                         GstVideoFrame *out)
{
    auto &impl = *GST_ANIMEGAN_FILTER(filter)->impl;
    const auto image_of = [filter](auto *data, const GstVideoFrame *frame) {
        // A frame's own size comes from its GstVideoMeta and may exceed the caps.
        return anime::BasicImage<std::remove_pointer_t<decltype(data)>>{
            data, GST_VIDEO_INFO_WIDTH(&filter->in_info), GST_VIDEO_INFO_HEIGHT(&filter->in_info),
            GST_VIDEO_FRAME_PLANE_STRIDE(frame, 0), GST_VIDEO_FRAME_COMP_PSTRIDE(frame, 0)};
    };
    const anime::ConstImage photo =
        image_of(static_cast<const guint8 *>(GST_VIDEO_FRAME_PLANE_DATA(in, 0)), in);
    const anime::Image painting = image_of(static_cast<guint8 *>(GST_VIDEO_FRAME_PLANE_DATA(out, 0)), out);

    const auto begin = std::chrono::steady_clock::now();
    try {
        const anime::Settings settings = impl.copy_settings();
        const anime::FrameStats stats =
            impl.paint(photo, painting, anime::read_face_patches(in->buffer), settings);
        const auto end = std::chrono::steady_clock::now();

        impl.remember(stats);
        GstStructure *message = anime::FrameReporter::new_message(
            "animeganfilter", &GST_BASE_TRANSFORM(filter)->segment, in->buffer,
            std::chrono::duration_cast<std::chrono::nanoseconds>(end - begin).count());
        impl.add_fields(message);
        impl.reporter.frame(GST_ELEMENT(filter), message, settings.message_interval);
        return GST_FLOW_OK;
    } catch (...) {
        const anime::Failure failure = anime::current_failure();
        if (failure.code == "cancelled")
            return GST_FLOW_FLUSHING;
        impl.reporter.failed();
        anime::post_failure(GST_ELEMENT(filter), failure);
        return GST_FLOW_ERROR;
    }
}

// GstVideoFilter's own maps, and on failure warns and pushes an unwritten buffer.
static GstFlowReturn gst_animegan_filter_transform(GstBaseTransform *trans, GstBuffer *in, GstBuffer *out)
{
    GstVideoFilter *filter = GST_VIDEO_FILTER(trans);
    anime::remove_face_patches(out); // they came with the other metas, and will be in the picture
    anime::MappedFrame photo(filter->in_info, in, GST_MAP_READ);
    anime::MappedFrame painting(filter->out_info, out, GST_MAP_WRITE);
    if (photo && painting)
        return gst_animegan_filter_transform_frame(filter, photo.get(), painting.get());

    GST_ANIMEGAN_FILTER(trans)->impl->reporter.failed();
    anime::post_failure(GST_ELEMENT(trans),
                        {.code = "frame-invalid",
                         .message = "A frame is smaller than its format says, or cannot be read.",
                         .remedy = "Look for the fault in the element before animeganfilter.",
                         .limit = GST_VIDEO_INFO_SIZE(&filter->in_info),
                         .actual = gst_buffer_get_size(in)});
    return GST_FLOW_ERROR;
}

static void gst_animegan_filter_finalize(GObject *object)
{
    delete GST_ANIMEGAN_FILTER(object)->impl;
    G_OBJECT_CLASS(gst_animegan_filter_parent_class)->finalize(object);
}

static void gst_animegan_filter_init(GstAnimeganFilter *self)
{
    self->impl = new anime::AnimeganFilter;
}

static void gst_animegan_filter_class_init(GstAnimeganFilterClass *klass)
{
    auto *object_class = G_OBJECT_CLASS(klass);
    auto *element_class = GST_ELEMENT_CLASS(klass);
    auto *trans_class = GST_BASE_TRANSFORM_CLASS(klass);
    auto *filter_class = GST_VIDEO_FILTER_CLASS(klass);

    object_class->set_property = gst_animegan_filter_set_property;
    object_class->get_property = gst_animegan_filter_get_property;
    object_class->finalize = gst_animegan_filter_finalize;
    anime::install_properties(object_class);

    gst_element_class_add_static_pad_template(element_class, &sink_template);
    gst_element_class_add_static_pad_template(element_class, &src_template);
    gst_element_class_set_static_metadata(element_class, "Anime painter", "Filter/Effect/Video",
                                          "Paints pictures and video in the style of an anime film",
                                          "gst-anime");
    element_class->change_state = gst_animegan_filter_change_state;

    trans_class->start = gst_animegan_filter_start;
    trans_class->stop = gst_animegan_filter_stop;
    trans_class->sink_event = gst_animegan_filter_sink_event;
    trans_class->query = gst_animegan_filter_query;
    trans_class->submit_input_buffer = gst_animegan_filter_submit_input_buffer;
    trans_class->before_transform = gst_animegan_filter_before_transform;
    trans_class->transform = gst_animegan_filter_transform;
    trans_class->transform_meta = gst_animegan_filter_transform_meta;
    filter_class->transform_frame = gst_animegan_filter_transform_frame;
}

namespace anime
{

void set_painter_opener(GstElement *element, PainterOpener opener)
{
    GST_ANIMEGAN_FILTER(element)->impl->open = std::move(opener);
}

} // namespace anime
