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

#include "elements/animeganfilter/animeganfilter_properties.h"
#include "elements/animeganfilter/frame_painter.h"
#include "elements/animeganfilter/live_size.h"
#include "elements/animeganfilter/quick_net.h"
#include "elements/animeganfilter/rate_keeper.h"
#include "elements/common/gst_raii.h"
#include "elements/common/guarded_settings.h"
#include "elements/overlay/face_overlay.h"
#include "elements/painting/gstanimepainting.h"
#include "elements/painting/style_in_use.h"

#include <gst/video/video.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

GST_DEBUG_CATEGORY_STATIC(animeganfilter_debug);
#define GST_CAT_DEFAULT animeganfilter_debug

namespace anime
{
namespace
{

class AnimeganFilter final : public PaintingFilter
{
public:
    explicit AnimeganFilter(GstElement *element) : PaintingFilter(element, animeganfilter_debug) {}

    bool set(guint id, const GValue *value) override { return settings_.set(id, value); }
    bool get(guint id, GValue *value) override
    {
        return settings_.get(id, value, [this] { return stats(); });
    }
    void start() override;
    void forget() override { frames_.forget(); }
    void stop() override;
    /// Any thread may call it.
    bool answer(GstQuery *query) { return answer_style_in_use(query, settings_.copy().paint); }
    void set_clock(FrameClock clock) { clock_ = std::move(clock); }
    GstFlowReturn transform(const GstSegment &segment, GstBuffer *in, const ConstImage &photo,
                            const Image &painting);

private:
    GstStructure *stats();
    void follow_style(const AnimeganFilterSettings &now);
    Painter &chosen() { return rate_.quick() ? *quick_.painter() : painter(); }
    FrameStats paint(const ConstImage &in, const Image &out, std::vector<Patch> faces,
                     const FrameSettings &now);
    void prepare_for_live();
    void remember(const FrameStats &frame);
    void add_fields(GstStructure *structure);
    void add_totals(GstStructure *structure);
    void keep_rate(const GstSegment &segment, GstBuffer *in, GstClockTime took, GstClockTime net,
                   const AnimeganFilterSettings &now);

    // Of the streaming thread.
    FrameClock clock_ = [] { return gst_util_get_timestamp(); };
    FramePainter frames_;
    RateKeeper rate_;
    QuickNet quick_;

    GuardedSettings<AnimeganFilterSettings> settings_{animeganfilter_properties()};

    /// Protects what `stats` shows: of the last frame, and the sums of all.
    std::mutex last_lock_;
    PainterInfo last_info_;
    FrameStats last_frame_;
    double last_quality_ = 1;
    PaintStats totals_; ///< without the memory
};

GstStructure *AnimeganFilter::stats()
{
    GstStructure *stats = reporter.stats("animeganfilter");
    add_fields(stats);
    add_totals(stats);
    return stats;
}

void AnimeganFilter::start()
{
    {
        const std::lock_guard guard(last_lock_);
        totals_ = {};
    }
    const AnimeganFilterSettings now = settings_.copy();
    open_model(now.paint);
    follow_style(now);
    remember({});
    prepare_for_live();
}

// The executor makes its plan for a size when it first meets it, in the time of five to ten frames. The clock
// does not run yet: what a camera sends then would be lost.
void AnimeganFilter::prepare_for_live()
{
    const AnimeganFilterSettings now = settings_.copy();
    const std::optional<FrameSize> size = live_size(GST_BASE_TRANSFORM_SINK_PAD(element()));
    if (!size || !is_visible(now.frame.strength))
        return;
    const auto stride = std::ptrdiff_t{3} * size->width;
    std::vector<std::uint8_t> black(static_cast<std::size_t>(stride) *
                                    static_cast<std::size_t>(size->height));
    std::vector<std::uint8_t> painting(black.size());
    const ConstImage photo{black.data(), size->width, size->height, stride, 3};
    quick_.rehearse(frames_, painter(), painter(), photo, now.frame, cancel.flag());
    frames_.paint(painter(), photo, {painting.data(), size->width, size->height, stride, 3}, now.frame,
                  cancel.flag());
    frames_.forget();
}

void AnimeganFilter::stop()
{
    forget();
    quick_.close();
    rate_.set_has_quick(false);
    rate_.forget();
}

/// Opens the model, and its quick net where a rate is to be held, unless they are open.
void AnimeganFilter::follow_style(const AnimeganFilterSettings &now)
{
    const std::string quick = now.target_numerator != 0 ? quick_style(now.paint.model) : std::string();
    const bool changed = !quick_.is(quick);
    if (changed) {
        quick_.close();
        rate_.set_has_quick(false);
    }
    follow_model(now.paint.model);
    if (changed && !quick.empty()) {
        quick_.open(quick, open_beside(quick));
        rate_.set_has_quick(true);
    }
}

void AnimeganFilter::keep_rate(const GstSegment &segment, GstBuffer *in, GstClockTime took, GstClockTime net,
                               const AnimeganFilterSettings &now)
{
    if (now.target_numerator == 0) {
        rate_.forget();
        return;
    }
    GstClockTime budget = gst_util_uint64_scale(GST_SECOND, static_cast<guint64>(now.target_denominator),
                                                static_cast<guint64>(now.target_numerator));
    if (GST_BUFFER_DURATION_IS_VALID(in))
        budget = std::max(budget, GST_BUFFER_DURATION(in)); // no more frames than there are
    if (rate_.handled(took, net, budget)) {
        GST_INFO_OBJECT(element(), "painting with %s at %.3f of the size", chosen().info().model.c_str(),
                        rate_.scale());
        reporter.quality_changed(element(), segment, in, rate_.quality(),
                                 static_cast<double>(took) / static_cast<double>(budget), budget);
    }
}

void AnimeganFilter::remember(const FrameStats &frame)
{
    // The executor makes a plan for a size when it first meets it.
    if (frame.painted_width != last_frame_.painted_width ||
        frame.painted_height != last_frame_.painted_height)
        reporter.warm_up();
    const std::lock_guard guard(last_lock_);
    last_info_ = chosen().info();
    last_frame_ = frame;
    last_quality_ = rate_.quality();
    totals_.inference_ns += frame.cost.inference_ns;
    totals_.wait_ns += frame.cost.wait_ns;
}

void AnimeganFilter::add_fields(GstStructure *structure)
{
    const std::lock_guard guard(last_lock_);
    gst_structure_set(structure, "model", G_TYPE_STRING, last_info_.model.c_str(), "digest", G_TYPE_STRING,
                      last_info_.digest.c_str(), "executor", G_TYPE_STRING, last_info_.executor.c_str(),
                      "device", G_TYPE_STRING, last_info_.device.c_str(), "precision", G_TYPE_STRING,
                      last_info_.precision.c_str(), "isa", G_TYPE_STRING, last_info_.isa.c_str(), "width",
                      G_TYPE_INT, last_frame_.painted_width, "height", G_TYPE_INT, last_frame_.painted_height,
                      "quality", G_TYPE_DOUBLE, last_quality_, "inference-time", G_TYPE_UINT64,
                      guint64{last_frame_.cost.inference_ns}, "wait-time", G_TYPE_UINT64,
                      guint64{last_frame_.cost.wait_ns}, "memory", G_TYPE_UINT64,
                      guint64{last_frame_.cost.memory_bytes}, nullptr);
}

void AnimeganFilter::add_totals(GstStructure *structure)
{
    const std::lock_guard guard(last_lock_);
    gst_structure_set(structure, "inference-time-total", G_TYPE_UINT64, guint64{totals_.inference_ns},
                      "wait-time-total", G_TYPE_UINT64, guint64{totals_.wait_ns}, nullptr);
}

FrameStats AnimeganFilter::paint(const ConstImage &in, const Image &out, std::vector<Patch> faces,
                                 const FrameSettings &now)
{
    FrameStats stats;
    if (is_visible(now.strength)) {
        quick_.rehearse(frames_, painter(), chosen(), in, now, cancel.flag());
        stats = frames_.paint(chosen(), in, out, now, cancel.flag());
        for (Patch &face : faces) {
            match_colours(face, as_const(out));
            blend_patch(out, face);
        }
        frames_.steady(in, out, now.temporal_smoothing);
    }
    finish_frame(in, out, now.strength);
    return stats;
}

GstFlowReturn AnimeganFilter::transform(const GstSegment &segment, GstBuffer *in, const ConstImage &photo,
                                        const Image &painting)
{
    const std::uint64_t begin = clock_();
    try {
        AnimeganFilterSettings now = settings_.copy();
        follow_style(now);
        now.frame.scale = rate_.scale();
        const FrameStats stats = paint(photo, painting, read_face_patches(in), now.frame);
        remember(stats);
        GST_LOG_OBJECT(element(), "painted %dx%d", stats.painted_width, stats.painted_height);
        GstStructure *message = FrameReporter::new_message("animeganfilter", &segment, in, clock_() - begin);
        add_fields(message);
        reporter.frame(element(), message, now.message_interval);
        keep_rate(segment, in, clock_() - begin, stats.cost.inference_ns, now);
        return GST_FLOW_OK;
    } catch (...) {
        return refuse_frame();
    }
}

} // namespace
} // namespace anime

struct GstAnimeganFilter {
    GstAnimePainting parent;
};

struct GstAnimeganFilterClass {
    GstAnimePaintingClass parent_class;
};

G_DEFINE_TYPE_WITH_CODE(GstAnimeganFilter, gst_animegan_filter, gst_anime_painting_get_type(),
                        G_IMPLEMENT_INTERFACE(GST_TYPE_PRESET, nullptr))
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(animeganfilter, "animeganfilter", GST_RANK_NONE,
                                      gst_animegan_filter_get_type(),
                                      GST_DEBUG_CATEGORY_INIT(animeganfilter_debug, "animeganfilter", 0,
                                                              "paints frames"))

#define GST_ANIMEGAN_FILTER(object)                                                                          \
    (G_TYPE_CHECK_INSTANCE_CAST((object), gst_animegan_filter_get_type(), GstAnimeganFilter))

static anime::AnimeganFilter &impl_of(gpointer object)
{
    return static_cast<anime::AnimeganFilter &>(*GST_ANIMEGAN_FILTER(object)->parent.impl);
}

static gboolean gst_animegan_filter_query(GstBaseTransform *trans, GstPadDirection direction, GstQuery *query)
{
    if (direction == GST_PAD_SINK && impl_of(trans).answer(query))
        return TRUE;
    return GST_BASE_TRANSFORM_CLASS(gst_animegan_filter_parent_class)->query(trans, direction, query);
}

// Having this keeps GstVideoFilter from working in place: a painter may not write into what it reads.
static GstFlowReturn gst_animegan_filter_transform_frame(GstVideoFilter *filter, GstVideoFrame *in,
                                                         GstVideoFrame *out)
{
    const auto image_of = [filter](auto *data, const GstVideoFrame *frame) {
        // A frame's own size comes from its GstVideoMeta and may exceed the caps.
        return anime::BasicImage<std::remove_pointer_t<decltype(data)>>{
            data, GST_VIDEO_INFO_WIDTH(&filter->in_info), GST_VIDEO_INFO_HEIGHT(&filter->in_info),
            GST_VIDEO_FRAME_PLANE_STRIDE(frame, 0), GST_VIDEO_FRAME_COMP_PSTRIDE(frame, 0)};
    };
    const anime::ConstImage photo =
        image_of(static_cast<const guint8 *>(GST_VIDEO_FRAME_PLANE_DATA(in, 0)), in);
    const anime::Image painting = image_of(static_cast<guint8 *>(GST_VIDEO_FRAME_PLANE_DATA(out, 0)), out);
    return impl_of(filter).transform(GST_BASE_TRANSFORM(filter)->segment, in->buffer, photo, painting);
}

// GstVideoFilter's own maps, and on failure warns and pushes an unwritten buffer.
static GstFlowReturn gst_animegan_filter_transform(GstBaseTransform *trans, GstBuffer *in, GstBuffer *out)
{
    GstVideoFilter *filter = GST_VIDEO_FILTER(trans);
    anime::remove_face_patches(out); // they came with the other metas, and will be in the picture
    anime::MappedFrame photo(filter->in_info, in, GST_MAP_READ);
    if (!photo)
        return impl_of(trans).refuse_buffer(in, filter->in_info,
                                            "A frame is smaller than its format says, or cannot be read.",
                                            "Look for the fault in the element before animeganfilter.");
    anime::MappedFrame painting(filter->out_info, out, GST_MAP_WRITE);
    if (!painting)
        return impl_of(trans).refuse_buffer(
            out, filter->out_info,
            "The buffer for the painting is smaller than its format says, or cannot be written.",
            "Look for the fault in the element behind animeganfilter, which chooses the memory.");
    return gst_animegan_filter_transform_frame(filter, photo.get(), painting.get());
}

static void gst_animegan_filter_init(GstAnimeganFilter *self)
{
    self->parent.impl = new anime::AnimeganFilter(GST_ELEMENT(self));
}

static void gst_animegan_filter_class_init(GstAnimeganFilterClass *klass)
{
    auto *element_class = GST_ELEMENT_CLASS(klass);
    auto *trans_class = GST_BASE_TRANSFORM_CLASS(klass);

    gst_anime_painting_use_properties(G_OBJECT_CLASS(klass));
    anime::animeganfilter_properties().install(
        G_OBJECT_CLASS(klass), "Frames painted, dropped and failed, their times, and the model in use");

    gst_element_class_set_static_metadata(element_class, "Anime painter", "Filter/Effect/Video",
                                          "Paints pictures and video in the style of an anime film",
                                          "gst-anime");
    trans_class->query = gst_animegan_filter_query;
    trans_class->transform = gst_animegan_filter_transform;
    GST_VIDEO_FILTER_CLASS(klass)->transform_frame = gst_animegan_filter_transform_frame;
}

namespace anime
{

void set_painter_opener(GstElement *element, PainterOpener opener)
{
    impl_of(element).set_painter_opener(std::move(opener));
}

void set_frame_clock(GstElement *element, FrameClock clock)
{
    impl_of(element).set_clock(std::move(clock));
}

} // namespace anime
