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

#include "elements/animeganfilter/animegan_filter.h"
#include "elements/animeganfilter/animeganfilter_properties.h"
#include "elements/common/gst_raii.h"
#include "elements/painting/gstanimepainting.h"

#include <gst/video/video.h>

#include <utility>

GST_DEBUG_CATEGORY_STATIC(animeganfilter_debug);
#define GST_CAT_DEFAULT animeganfilter_debug

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

static GstFlowReturn push_oldest(GstBaseTransform *trans)
{
    anime::BufferPtr painting;
    const GstFlowReturn flow = impl_of(trans).take(trans->segment, painting);
    return flow == GST_FLOW_OK ? gst_pad_push(GST_BASE_TRANSFORM_SRC_PAD(trans), painting.release()) : flow;
}

// Sends on what is in flight, as if the stream ended here. A frame that can't be painted does not keep back
// those behind it.
static GstFlowReturn drain(GstBaseTransform *trans)
{
    GstFlowReturn flow = GST_FLOW_OK;
    while (!impl_of(trans).is_empty()) {
        const GstFlowReturn one = push_oldest(trans);
        if (one == GST_FLOW_OK)
            continue;
        flow = one;
        if (one != GST_FLOW_ERROR)
            impl_of(trans).drop(); // nobody wants them
    }
    return flow;
}

static GstFlowReturn accept(GstBaseTransform *trans, anime::BufferPtr photo)
{
    auto &impl = impl_of(trans);
    const anime::AnimeganFilterSettings now = impl.settings();
    GstFlowReturn before = GST_FLOW_OK;
    if (!impl.goes_on(now))
        before = drain(trans);
    if (before != GST_FLOW_OK && before != GST_FLOW_ERROR)
        return before;
    GstBuffer *painting = nullptr;
    GstFlowReturn flow =
        GST_BASE_TRANSFORM_GET_CLASS(trans)->prepare_output_buffer(trans, photo.get(), &painting);
    if (flow == GST_FLOW_OK)
        flow =
            impl.accept(now, GST_VIDEO_FILTER(trans)->in_info, std::move(photo), anime::BufferPtr(painting));
    if (flow == GST_FLOW_ERROR)
        drain(trans);
    return flow == GST_FLOW_OK ? before : flow;
}

// The base class calls this until there is nothing to push, after each frame that came in.
static GstFlowReturn gst_animegan_filter_generate_output(GstBaseTransform *trans, GstBuffer **out)
{
    *out = nullptr;
    if (anime::BufferPtr photo{std::exchange(trans->queued_buf, nullptr)}) {
        const GstFlowReturn flow = accept(trans, std::move(photo));
        if (flow != GST_FLOW_OK)
            return flow;
    }
    if (!impl_of(trans).is_full())
        return GST_FLOW_OK;
    anime::BufferPtr painting;
    const GstFlowReturn flow = impl_of(trans).take(trans->segment, painting);
    *out = painting.release();
    return flow;
}

// The base class marks what it pushes next as the first behind a gap: that has to be this frame. `is_discont`
// says no more than that such a mark is pending, until the frame comes out.
static GstFlowReturn gst_animegan_filter_submit_input_buffer(GstBaseTransform *trans, gboolean is_discont,
                                                             GstBuffer *buffer)
{
    auto &impl = impl_of(trans);
    const bool behind_gap = GST_BUFFER_IS_DISCONT(buffer) || impl.has_dropped();
    if (const GstFlowReturn flow = behind_gap ? drain(trans) : GST_FLOW_OK; flow != GST_FLOW_OK) {
        gst_buffer_unref(buffer);
        return flow;
    }
    const GstFlowReturn flow = GST_BASE_TRANSFORM_CLASS(gst_animegan_filter_parent_class)
                                   ->submit_input_buffer(trans, is_discont, buffer);
    impl.set_dropped(flow == GST_BASE_TRANSFORM_FLOW_DROPPED);
    return flow;
}

static gboolean gst_animegan_filter_query(GstBaseTransform *trans, GstPadDirection direction, GstQuery *query)
{
    if (direction == GST_PAD_SINK && impl_of(trans).answer(query))
        return TRUE;
    if (direction == GST_PAD_SINK && GST_QUERY_TYPE(query) == GST_QUERY_DRAIN)
        drain(trans);
    return GST_BASE_TRANSFORM_CLASS(gst_animegan_filter_parent_class)->query(trans, direction, query);
}

// What comes between two frames stays between them.
static gboolean gst_animegan_filter_sink_event(GstBaseTransform *trans, GstEvent *event)
{
    if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP)
        impl_of(trans).drop();
    else if (gst_event_type_get_flags(GST_EVENT_TYPE(event)) & GST_EVENT_TYPE_SERIALIZED)
        drain(trans);
    return GST_BASE_TRANSFORM_CLASS(gst_animegan_filter_parent_class)->sink_event(trans, event);
}

static gboolean gst_animegan_filter_set_info(GstVideoFilter *filter, GstCaps *caps, GstVideoInfo *info,
                                             GstCaps *out_caps, GstVideoInfo *out_info)
{
    if (!GST_VIDEO_FILTER_CLASS(gst_animegan_filter_parent_class)
             ->set_info(filter, caps, info, out_caps, out_info))
        return FALSE;
    try {
        impl_of(filter).begin_stream(*info);
        return TRUE;
    } catch (...) {
        anime::post_failure(GST_ELEMENT(filter), anime::current_failure());
        return FALSE;
    }
}

static gboolean gst_animegan_filter_decide_allocation(GstBaseTransform *trans, GstQuery *query)
{
    if (!GST_BASE_TRANSFORM_CLASS(gst_animegan_filter_parent_class)->decide_allocation(trans, query))
        return FALSE;
    guint least = 0;
    guint most = 0;
    if (gst_query_get_n_allocation_pools(query) > 0)
        gst_query_parse_nth_allocation_pool(query, 0, nullptr, nullptr, &least, &most);
    impl_of(trans).bound_buffers(least, most);
    return TRUE;
}

// Having this keeps GstVideoFilter from working in place: a painter may not write into what it reads. Frames
// are painted in generate_output().
static GstFlowReturn gst_animegan_filter_transform_frame(GstVideoFilter *, GstVideoFrame *, GstVideoFrame *)
{
    return GST_FLOW_NOT_SUPPORTED;
}

static void gst_animegan_filter_init(GstAnimeganFilter *self)
{
    self->parent.impl = new anime::AnimeganFilter(GST_ELEMENT(self), animeganfilter_debug);
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
    trans_class->submit_input_buffer = gst_animegan_filter_submit_input_buffer;
    trans_class->generate_output = gst_animegan_filter_generate_output;
    trans_class->sink_event = gst_animegan_filter_sink_event;
    trans_class->decide_allocation = gst_animegan_filter_decide_allocation;
    GST_VIDEO_FILTER_CLASS(klass)->set_info = gst_animegan_filter_set_info;
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
