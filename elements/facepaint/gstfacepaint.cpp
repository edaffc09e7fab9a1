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
 * Faces are painted in the style of the next animeganfilter downstream, unless #facepaint:model names
 * another.
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
#include "elements/facepaint/gstfacepaint.h"

#include "elements/common/gst_raii.h"
#include "elements/common/guarded_settings.h"
#include "elements/common/stopwatch.h"
#include "elements/facepaint/face_metas.h"
#include "elements/facepaint/face_painter.h"
#include "elements/facepaint/facepaint_properties.h"
#include "elements/overlay/face_overlay.h"
#include "elements/painting/gstanimepainting.h"
#include "elements/painting/style_in_use.h"

#include <gst/video/video.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <utility>

GST_DEBUG_CATEGORY_STATIC(facepaint_debug);
#define GST_CAT_DEFAULT facepaint_debug

namespace anime
{
namespace
{

class Facepaint final : public PaintingFilter
{
public:
    explicit Facepaint(GstElement *element) : PaintingFilter(element, facepaint_debug) {}

    bool set(guint id, const GValue *value) override { return settings_.set(id, value); }
    bool get(guint id, GValue *value) override
    {
        return settings_.get(id, value, [this] { return stats(); });
    }
    void start() override;
    void stop() override;
    void forget() override
    {
        if (faces_)
            faces_->forget();
        downstream_changed(); // new caps are among what ends the frames before
    }
    void use(FaceParts parts);
    /// Any thread may call it.
    void downstream_changed() { ask_downstream_ = true; }
    GstFlowReturn transform(const GstSegment &segment, GstBuffer *buffer, const Image &frame);

private:
    GstStructure *stats();
    bool overlays_are_taken();
    FaceResult handle(GstBuffer *buffer, const Image &frame, const FacepaintSettings &now);
    void add_totals(const FaceResult &result);
    void set_totals(GstStructure *structure);

    FaceParts parts_;

    GuardedSettings<FacepaintSettings> settings_{facepaint_properties()};

    std::atomic<bool> ask_downstream_ = true;
    bool overlays_taken_ = false; ///< of the streaming thread: as downstream said when it was last asked

    // Of the streaming thread; there between start() and stop().
    std::optional<FacePainter> faces_;
    std::shared_ptr<const LandmarkPredictor> predictor_;

    /// Protects the sums that `stats` shows.
    std::mutex totals_lock_;
    struct {
        guint64 faces = 0;
        guint64 painted = 0;
        guint64 detection_ns = 0;
        guint64 painting_ns = 0;
    } totals_;
};

GstStructure *Facepaint::stats()
{
    GstStructure *stats = reporter.stats("facepaint");
    set_totals(stats);
    return stats;
}

void Facepaint::start()
{
    {
        const std::lock_guard guard(totals_lock_);
        totals_ = {};
    }
    const FacepaintSettings now = settings_.copy();
    open_model(follow_style_in_use(GST_BASE_TRANSFORM_SRC_PAD(element()), now.paint));
    if (now.align)
        predictor_ = parts_.load_predictor();
    faces_.emplace(parts_.make_detector());
}

void Facepaint::stop()
{
    faces_.reset();
    predictor_.reset();
}

void Facepaint::use(FaceParts parts)
{
    parts_ = std::move(parts);
    set_painter_opener(parts_.open_painter);
}

bool Facepaint::overlays_are_taken()
{
    if (!ask_downstream_.exchange(false))
        return overlays_taken_;
    GstPad *src = GST_BASE_TRANSFORM_SRC_PAD(element());
    const CapsPtr caps(gst_pad_get_current_caps(src));
    const QueryPtr query(gst_query_new_allocation(caps.get(), FALSE));
    overlays_taken_ =
        has_animeganfilter_behind(src) ||
        (gst_pad_peer_query(src, query.get()) &&
         gst_query_find_allocation_meta(query.get(), GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, nullptr));
    if (!overlays_taken_)
        post_warning(element(), {.code = "overlay-blender-missing",
                                 .message = "Nothing behind facepaint blends overlays, so the painted faces "
                                            "are put on the frame at once.",
                                 .remedy = "Put an animeganfilter behind it, or use mode=blend."});
    return overlays_taken_;
}

FaceResult Facepaint::handle(GstBuffer *buffer, const Image &frame, const FacepaintSettings &now)
{
    // Asked with each frame: whoever changes animeganfilter's model does not tell facepaint.
    follow_model(follow_style_in_use(GST_BASE_TRANSFORM_SRC_PAD(element()), now.paint).model);
    FaceSettings face_settings = now.faces;
    const bool overlay = now.mode == FaceMode::overlay && overlays_are_taken();
    face_settings.skip_large = overlay;
    face_settings.background = now.background == BackgroundDetection::on ||
                               (now.background == BackgroundDetection::automatic && reporter.is_live());
    FaceResult result =
        faces_->paint(as_const(frame), face_settings, painter(), predictor_.get(), cancel.flag());
    if (overlay)
        attach_face_patches(buffer, result.patches);
    else
        for (const Patch &patch : result.patches)
            blend_patch(frame, patch);
    attach_regions(buffer, result.faces, frame.width, frame.height);
    return result;
}

void Facepaint::add_totals(const FaceResult &result)
{
    const std::lock_guard guard(totals_lock_);
    totals_.faces += result.faces.size();
    totals_.painted += result.patches.size();
    totals_.detection_ns += result.detection_ns;
    totals_.painting_ns += result.painting_ns;
}

void Facepaint::set_totals(GstStructure *structure)
{
    const std::lock_guard guard(totals_lock_);
    gst_structure_set(structure, "faces", G_TYPE_UINT64, totals_.faces, "painted", G_TYPE_UINT64,
                      totals_.painted, "detection-time", G_TYPE_UINT64, totals_.detection_ns, "painting-time",
                      G_TYPE_UINT64, totals_.painting_ns, nullptr);
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

GstFlowReturn Facepaint::transform(const GstSegment &segment, GstBuffer *buffer, const Image &frame)
{
    const Stopwatch watch;
    try {
        const FacepaintSettings now = settings_.copy();
        const FaceResult result = handle(buffer, frame, now);
        const GstClockTime time = watch.ns();
        add_totals(result);
        GST_LOG_OBJECT(element(), "%" G_GSIZE_FORMAT " faces found, %" G_GSIZE_FORMAT " painted",
                       result.found, result.patches.size());
        reporter.frame(element(), make_message(&segment, buffer, time, result, frame, painter().info()),
                       now.message_interval);
        return GST_FLOW_OK;
    } catch (...) {
        return refuse_frame();
    }
}

} // namespace
} // namespace anime

struct GstFacepaint {
    GstAnimePainting parent;
};

struct GstFacepaintClass {
    GstAnimePaintingClass parent_class;
};

G_DEFINE_TYPE_WITH_CODE(GstFacepaint, gst_facepaint, gst_anime_painting_get_type(),
                        G_IMPLEMENT_INTERFACE(GST_TYPE_PRESET, nullptr))
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(facepaint, "facepaint", GST_RANK_NONE, gst_facepaint_get_type(),
                                      GST_DEBUG_CATEGORY_INIT(facepaint_debug, "facepaint", 0,
                                                              "paints faces"))

#define GST_FACEPAINT(object) (G_TYPE_CHECK_INSTANCE_CAST((object), gst_facepaint_get_type(), GstFacepaint))

static anime::Facepaint &impl_of(gpointer object)
{
    return static_cast<anime::Facepaint &>(*GST_FACEPAINT(object)->parent.impl);
}

// GstVideoFilter's own maps, and on failure warns and lets the frame pass.
static GstFlowReturn gst_facepaint_transform_ip(GstBaseTransform *trans, GstBuffer *buffer)
{
    const GstVideoInfo &info = GST_VIDEO_FILTER(trans)->in_info;
    anime::MappedFrame mapped(info, buffer, GST_MAP_READWRITE);
    if (!mapped)
        return impl_of(trans).refuse_buffer(buffer, info,
                                            "A frame is smaller than its format says, or cannot be written.",
                                            "Look for the fault in the element before facepaint.");
    const anime::Image frame{mapped.data(), mapped.width(), mapped.height(), mapped.stride(),
                             mapped.pixel_stride()};
    return impl_of(trans).transform(trans->segment, buffer, frame);
}

static gboolean gst_facepaint_src_event(GstBaseTransform *trans, GstEvent *event)
{
    if (GST_EVENT_TYPE(event) == GST_EVENT_RECONFIGURE)
        impl_of(trans).downstream_changed();
    return GST_BASE_TRANSFORM_CLASS(gst_facepaint_parent_class)->src_event(trans, event);
}

static void gst_facepaint_init(GstFacepaint *self)
{
    self->parent.impl = new anime::Facepaint(GST_ELEMENT(self));
    gst_base_transform_set_in_place(GST_BASE_TRANSFORM(self), TRUE);
}

static void gst_facepaint_class_init(GstFacepaintClass *klass)
{
    auto *element_class = GST_ELEMENT_CLASS(klass);

    gst_anime_painting_use_properties(G_OBJECT_CLASS(klass));
    anime::facepaint_properties().install(
        G_OBJECT_CLASS(klass),
        "Frames handled, dropped and failed, faces found and painted, and times in nanoseconds");

    gst_element_class_set_static_metadata(element_class, "Anime face painter", "Filter/Effect/Video",
                                          "Finds faces and paints each at the size that the model likes",
                                          "gst-anime");
    GST_BASE_TRANSFORM_CLASS(klass)->src_event = gst_facepaint_src_event;
    GST_BASE_TRANSFORM_CLASS(klass)->transform_ip = gst_facepaint_transform_ip;
}

namespace anime
{

void set_face_parts(GstElement *element, FaceParts parts)
{
    impl_of(element).use(std::move(parts));
}

} // namespace anime
