// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-facepaint
 * @title: facepaint
 * @short_description: paints each face at the size that the model likes
 *
 * A small face loses its features when the frame that it is on is painted as a whole. facepaint finds the
 * faces of each frame, enlarges each one to twice its size, paints it, and puts it back with matched colours
 * and a soft edge. With `mode=overlay` the painted faces only travel on the buffer, and animeganfilter puts
 * them on the frame once it has painted it; faces that are large enough to be painted with the frame are
 * then left to it.
 *
 * Each face becomes a #GstVideoRegionOfInterestMeta of type `face`. A frame without faces goes on untouched.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 filesrc location=photo.jpg ! sizeguard ! facepaint mode=overlay ! \
 *   animeganfilter ! pngenc ! filesink location=anime.png
 * ]| A photo, painted, with its small faces painted larger.
 * |[
 * gst-launch-1.0 filesrc location=photo.jpg ! sizeguard ! facepaint ! \
 *   pngenc ! filesink location=faces.png
 * ]| A photo of which only the faces are painted.
 */
#include "elements/facepaint/gstanimefacepaint.h"

#include "elements/facepaint/face_metas.h"
#include "elements/facepaint/face_painter.h"
#include "elements/facepaint/facepaint_properties.h"
#include "elements/gst_raii.h"
#include "elements/overlay/face_overlay.h"
#include "elements/painting/cancel.h"
#include "elements/report/report.h"

#include <gst/video/gstvideofilter.h>
#include <gst/video/video.h>

#include <chrono>
#include <mutex>
#include <optional>
#include <utility>

GST_DEBUG_CATEGORY_STATIC(facepaint_debug);
#define GST_CAT_DEFAULT facepaint_debug

namespace anime
{
namespace
{

/// Everything of the element that has a destructor.
struct Facepaint {
    FaceParts parts;
    Cancel cancel;
    FrameReporter reporter;

    /// Protects `settings`: set from any thread, copied by the streaming thread once per frame. Never held
    /// together with `totals_lock`.
    std::mutex settings_lock;
    FacepaintSettings settings;

    // Of the streaming thread; start() and stop() run while there is none.
    std::optional<FacePainter> faces;
    std::shared_ptr<const LandmarkPredictor> predictor;
    std::shared_ptr<Painter> painter;
    PaintSettings opened; ///< what `painter` was opened with

    /// Protects the sums that `stats` shows.
    std::mutex totals_lock;
    struct {
        guint64 faces = 0;
        guint64 painted = 0;
        guint64 detection_ns = 0;
        guint64 painting_ns = 0;
    } totals;

    FacepaintSettings copy_settings()
    {
        const std::lock_guard guard(settings_lock);
        return settings;
    }
    void start(const FacepaintSettings &now);
    void stop();
    void open_model(const PaintSettings &wanted);
    FaceResult handle(GstBuffer *buffer, const Image &frame, const FacepaintSettings &now);
    void add_totals(const FaceResult &result);
    void set_totals(GstStructure *structure);
};

/// Throws Error where a model is missing or broken.
void Facepaint::start(const FacepaintSettings &now)
{
    cancel.set_flushing(false);
    cancel.set_stopping(false);
    reporter.reset();
    {
        const std::lock_guard guard(totals_lock);
        totals = {};
    }
    open_model(now.paint);
    if (now.align)
        predictor = parts.load_predictor();
    faces.emplace(parts.make_detector());
}

void Facepaint::stop()
{
    faces.reset();
    predictor.reset();
    painter.reset();
}

/// The painter before is let go first, so that two models are never in memory for one stream.
void Facepaint::open_model(const PaintSettings &wanted)
{
    painter.reset();
    painter = parts.open_painter(wanted);
    opened = wanted;
    reporter.warm_up();
}

FaceResult Facepaint::handle(GstBuffer *buffer, const Image &frame, const FacepaintSettings &now)
{
    if (!painter || now.paint.model != opened.model) { // no painter: the last change failed
        PaintSettings wanted = opened;
        wanted.model = now.paint.model;
        open_model(wanted);
    }
    FaceSettings face_settings = now.faces;
    face_settings.skip_large = now.mode == FaceMode::overlay;
    FaceResult result =
        faces->paint(as_const(frame), face_settings, *painter, predictor.get(), cancel.flag());
    if (now.mode == FaceMode::overlay)
        attach_face_patches(buffer, result.patches);
    else
        for (const Patch &patch : result.patches)
            blend_patch(frame, patch);
    attach_regions(buffer, result.faces, frame.width, frame.height);
    return result;
}

void Facepaint::add_totals(const FaceResult &result)
{
    const std::lock_guard guard(totals_lock);
    totals.faces += result.faces.size();
    totals.painted += result.patches.size();
    totals.detection_ns += result.detection_ns;
    totals.painting_ns += result.painting_ns;
}

void Facepaint::set_totals(GstStructure *structure)
{
    const std::lock_guard guard(totals_lock);
    gst_structure_set(structure, "faces", G_TYPE_UINT64, totals.faces, "painted", G_TYPE_UINT64,
                      totals.painted, "detection-time", G_TYPE_UINT64, totals.detection_ns, "painting-time",
                      G_TYPE_UINT64, totals.painting_ns, nullptr);
}

GstStructure *make_message(const GstSegment *segment, GstBuffer *buffer, GstClockTime time,
                           const FaceResult &result, const Image &frame, const PainterInfo &model)
{
    GstStructure *message = FrameReporter::new_message("facepaint", segment, buffer, time);
    set_faces_field(message, result.faces, frame.width, frame.height);
    gst_structure_set(message, "found", G_TYPE_UINT, static_cast<guint>(result.found), "painted", G_TYPE_UINT,
                      static_cast<guint>(result.patches.size()), "model", G_TYPE_STRING, model.model.c_str(),
                      "detection-width", G_TYPE_INT, result.detection_size.width, "detection-height",
                      G_TYPE_INT, result.detection_size.height, "detection-time", G_TYPE_UINT64,
                      guint64{result.detection_ns}, "painting-time", G_TYPE_UINT64,
                      guint64{result.painting_ns}, nullptr);
    return message;
}

} // namespace
} // namespace anime

struct GstFacepaint {
    GstVideoFilter parent;
    anime::Facepaint *impl;
};

struct GstFacepaintClass {
    GstVideoFilterClass parent_class;
};

#define GST_FACEPAINT(object) (reinterpret_cast<GstFacepaint *>(object))

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE("{ RGB, RGBA }")));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE("{ RGB, RGBA }")));

G_DEFINE_TYPE(GstFacepaint, gst_facepaint, GST_TYPE_VIDEO_FILTER)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(facepaint, "facepaint", GST_RANK_NONE, gst_facepaint_get_type(),
                                      GST_DEBUG_CATEGORY_INIT(facepaint_debug, "facepaint", 0,
                                                              "paints faces"))

static void gst_facepaint_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
    auto &impl = *GST_FACEPAINT(object)->impl;
    const std::lock_guard guard(impl.settings_lock);
    if (!anime::set_facepaint_property(impl.settings, id, value))
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

static void gst_facepaint_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    auto &impl = *GST_FACEPAINT(object)->impl;
    if (id == anime::FACEPAINT_PROP_STATS) {
        GstStructure *stats = impl.reporter.stats("facepaint");
        impl.set_totals(stats);
        g_value_take_boxed(value, stats);
    } else if (!anime::get_facepaint_property(impl.copy_settings(), id, value)) {
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static gboolean gst_facepaint_start(GstBaseTransform *trans)
{
    auto &impl = *GST_FACEPAINT(trans)->impl;
    try {
        impl.start(impl.copy_settings());
        return TRUE;
    } catch (...) {
        const anime::Failure failure = anime::current_failure();
        impl.stop();
        anime::post_failure(GST_ELEMENT(trans), failure);
        return FALSE;
    }
}

static gboolean gst_facepaint_stop(GstBaseTransform *trans)
{
    GST_FACEPAINT(trans)->impl->stop();
    return TRUE;
}

static GstStateChangeReturn gst_facepaint_change_state(GstElement *element, GstStateChange transition)
{
    // Deactivating the pads waits for the streaming thread, so the frame in work has to end first.
    if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
        GST_FACEPAINT(element)->impl->cancel.set_stopping(true);
    return GST_ELEMENT_CLASS(gst_facepaint_parent_class)->change_state(element, transition);
}

static gboolean gst_facepaint_sink_event(GstBaseTransform *trans, GstEvent *event)
{
    auto &impl = *GST_FACEPAINT(trans)->impl;
    if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_START)
        impl.cancel.set_flushing(true);
    if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP) // serialized: no frame is in work
        impl.cancel.set_flushing(false);
    return GST_BASE_TRANSFORM_CLASS(gst_facepaint_parent_class)->sink_event(trans, event);
}

static gboolean gst_facepaint_query(GstBaseTransform *trans, GstPadDirection direction, GstQuery *query)
{
    if (direction == GST_PAD_SRC && GST_QUERY_TYPE(query) == GST_QUERY_LATENCY)
        return GST_FACEPAINT(trans)->impl->reporter.answer_latency(GST_BASE_TRANSFORM_SINK_PAD(trans), query);
    return GST_BASE_TRANSFORM_CLASS(gst_facepaint_parent_class)->query(trans, direction, query);
}

static GstFlowReturn gst_facepaint_submit_input_buffer(GstBaseTransform *trans, gboolean is_discont,
                                                       GstBuffer *buffer)
{
    auto &impl = *GST_FACEPAINT(trans)->impl;
    if (is_discont)
        impl.faces->forget();
    const GstFlowReturn flow =
        GST_BASE_TRANSFORM_CLASS(gst_facepaint_parent_class)->submit_input_buffer(trans, is_discont, buffer);
    // The base class drops late frames and posts the QoS message.
    if (flow == GST_BASE_TRANSFORM_FLOW_DROPPED)
        impl.reporter.dropped();
    return flow;
}

static gboolean gst_facepaint_set_info(GstVideoFilter *filter, GstCaps *, GstVideoInfo *, GstCaps *,
                                       GstVideoInfo *)
{
    auto &impl = *GST_FACEPAINT(filter)->impl;
    impl.faces->forget();
    impl.reporter.warm_up();
    return TRUE;
}

static gboolean gst_facepaint_transform_meta(GstBaseTransform *trans, GstBuffer *out, GstMeta *meta,
                                             GstBuffer *in)
{
    // Asked where a shared buffer has to be copied first. Nothing moves in the picture.
    if (meta->info->api == GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE ||
        meta->info->api == GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)
        return TRUE;
    return GST_BASE_TRANSFORM_CLASS(gst_facepaint_parent_class)->transform_meta(trans, out, meta, in);
}

// GstVideoFilter's own maps, and on failure warns and lets the frame pass.
static GstFlowReturn gst_facepaint_transform_ip(GstBaseTransform *trans, GstBuffer *buffer)
{
    auto &impl = *GST_FACEPAINT(trans)->impl;
    const GstVideoInfo &info = GST_VIDEO_FILTER(trans)->in_info;
    const auto begin = std::chrono::steady_clock::now();
    try {
        anime::MappedFrame mapped(info, buffer, GST_MAP_READWRITE);
        if (!mapped) {
            impl.reporter.failed();
            anime::post_failure(GST_ELEMENT(trans),
                                {.code = "frame-invalid",
                                 .message = "A frame is smaller than its format says, or cannot be written.",
                                 .remedy = "Look for the fault in the element before facepaint.",
                                 .limit = GST_VIDEO_INFO_SIZE(&info),
                                 .actual = gst_buffer_get_size(buffer)});
            return GST_FLOW_ERROR;
        }
        const anime::Image frame{mapped.data(), mapped.width(), mapped.height(), mapped.stride(),
                                 mapped.pixel_stride()};
        const anime::FacepaintSettings settings = impl.copy_settings();
        const anime::FaceResult result = impl.handle(buffer, frame, settings);
        const auto end = std::chrono::steady_clock::now();

        impl.add_totals(result);
        GstStructure *message = anime::make_message(
            &trans->segment, buffer,
            static_cast<GstClockTime>(
                std::chrono::duration_cast<std::chrono::nanoseconds>(end - begin).count()),
            result, frame, impl.painter->info());
        impl.reporter.frame(GST_ELEMENT(trans), message, settings.message_interval);
        return GST_FLOW_OK;
    } catch (...) {
        const anime::Failure failure = anime::current_failure();
        if (failure.code == "cancelled")
            return GST_FLOW_FLUSHING;
        impl.reporter.failed();
        anime::post_failure(GST_ELEMENT(trans), failure);
        return GST_FLOW_ERROR;
    }
}

static void gst_facepaint_finalize(GObject *object)
{
    delete GST_FACEPAINT(object)->impl;
    G_OBJECT_CLASS(gst_facepaint_parent_class)->finalize(object);
}

static void gst_facepaint_init(GstFacepaint *self)
{
    self->impl = new anime::Facepaint;
    gst_base_transform_set_in_place(GST_BASE_TRANSFORM(self), TRUE);
}

static void gst_facepaint_class_init(GstFacepaintClass *klass)
{
    auto *object_class = G_OBJECT_CLASS(klass);
    auto *element_class = GST_ELEMENT_CLASS(klass);
    auto *trans_class = GST_BASE_TRANSFORM_CLASS(klass);

    object_class->set_property = gst_facepaint_set_property;
    object_class->get_property = gst_facepaint_get_property;
    object_class->finalize = gst_facepaint_finalize;
    anime::install_facepaint_properties(object_class);

    gst_element_class_add_static_pad_template(element_class, &sink_template);
    gst_element_class_add_static_pad_template(element_class, &src_template);
    gst_element_class_set_static_metadata(element_class, "Anime face painter", "Filter/Effect/Video",
                                          "Finds faces and paints each at the size that the model likes",
                                          "gst-anime");
    element_class->change_state = gst_facepaint_change_state;

    trans_class->start = gst_facepaint_start;
    trans_class->stop = gst_facepaint_stop;
    trans_class->sink_event = gst_facepaint_sink_event;
    trans_class->query = gst_facepaint_query;
    trans_class->submit_input_buffer = gst_facepaint_submit_input_buffer;
    trans_class->transform_meta = gst_facepaint_transform_meta;
    trans_class->transform_ip = gst_facepaint_transform_ip;
    GST_VIDEO_FILTER_CLASS(klass)->set_info = gst_facepaint_set_info;
}

namespace anime
{

void set_face_parts(GstElement *element, FaceParts parts)
{
    GST_FACEPAINT(element)->impl->parts = std::move(parts);
}

} // namespace anime
