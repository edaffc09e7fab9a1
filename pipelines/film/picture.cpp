// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/film/picture.h"

#include "pipelines/film/coded.h"
#include "pipelines/film/colour.h"
#include "pipelines/film/pixel_filter.h"
#include "pipelines/film/probe.h"

#include <algorithm>
#include <utility>

namespace anime
{

namespace
{

struct Arriving {
    SharedCounts counts;
    SharedSkip skip;
    GstSegment segment;
};

GstPadProbeReturn see_packet(GstPad *, GstPadProbeInfo *info, gpointer data)
{
    auto &[counts, skip, segment] = *static_cast<Arriving *>(data);
    if (!is_buffer(info)) {
        GstEvent *event = GST_PAD_PROBE_INFO_EVENT(info);
        if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT)
            gst_event_copy_segment(event, &segment);
        else if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP)
            counts->packets = 0; // what was read before the seek comes again behind it
        return GST_PAD_PROBE_OK;
    }
    const GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(info);
    ++counts->arrived;
    if (GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_HEADER))
        return GST_PAD_PROBE_OK;
    if (!GST_BUFFER_PTS_IS_VALID(buffer) || segment.format != GST_FORMAT_TIME) {
        ++counts->packets;
        return GST_PAD_PROBE_OK;
    }
    // What lies before an edit list's beginning is decoded, but not shown.
    const GstClockTime time = gst_segment_to_running_time(&segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
    if (GST_CLOCK_TIME_IS_VALID(time) && skip->is_kept(static_cast<std::int64_t>(time)))
        ++counts->packets;
    return GST_PAD_PROBE_OK;
}

/// The decoder takes what the header says of colours before what its own stream says, and qtdemux of
/// GStreamer 1.22 doesn't read whether the range is full. Without the header's word, H.264 and H.265 speak
/// for themselves.
GstPadProbeReturn hide_colorimetry(GstPad *, GstPadProbeInfo *info, gpointer)
{
    GstEvent *event = GST_PAD_PROBE_INFO_EVENT(info);
    if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS)
        return GST_PAD_PROBE_OK;
    GstCaps *caps = nullptr;
    gst_event_parse_caps(event, &caps);
    GstStructure *structure = gst_caps_get_structure(caps, 0);
    if (!gst_structure_has_name(structure, "video/x-h264") &&
        !gst_structure_has_name(structure, "video/x-h265"))
        return GST_PAD_PROBE_OK;
    const CapsPtr bare(gst_caps_copy(caps));
    gst_structure_remove_field(gst_caps_get_structure(bare.get(), 0), "colorimetry");
    GST_PAD_PROBE_INFO_DATA(info) = gst_event_new_caps(bare.get());
    gst_event_unref(event);
    return GST_PAD_PROBE_OK;
}

struct Decoded {
    SharedCounts counts;
    SharedSkip skip;
    std::optional<GstVideoColorimetry> container;
    GstSegment segment;
    GstClockTime before = GST_CLOCK_TIME_NONE; ///< PTS of the frame before
};

void count(Decoded &decoded, const GstBuffer *frame)
{
    auto &[counts, skip, container, segment, before] = decoded;
    const GstClockTime time = GST_BUFFER_PTS(frame);
    if (GST_CLOCK_TIME_IS_VALID(before) && GST_CLOCK_TIME_IS_VALID(time) && time > before)
        counts->frame_time = time - before;
    before = time;
    const GstClockTime running = gst_segment_to_running_time(&segment, GST_FORMAT_TIME, time);
    if (GST_CLOCK_TIME_IS_VALID(running) && !skip->is_kept(static_cast<std::int64_t>(running)))
        return;
    ++counts->decoded;
    if (GST_BUFFER_FLAG_IS_SET(frame, GST_BUFFER_FLAG_CORRUPTED))
        ++counts->damaged;
}

GstPadProbeReturn see_decoded(GstPad *, GstPadProbeInfo *info, gpointer data)
{
    auto &decoded = *static_cast<Decoded *>(data);
    if (is_buffer(info)) {
        count(decoded, GST_PAD_PROBE_INFO_BUFFER(info));
        return GST_PAD_PROBE_OK;
    }
    GstEvent *event = GST_PAD_PROBE_INFO_EVENT(info);
    if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT)
        gst_event_copy_segment(event, &decoded.segment);
    if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS)
        return GST_PAD_PROBE_OK;
    GstCaps *caps = nullptr;
    gst_event_parse_caps(event, &caps);
    GstVideoInfo video;
    if (!gst_video_info_from_caps(&video, caps))
        return GST_PAD_PROBE_OK;
    GstVideoColorimetry said = {};
    const gchar *text = gst_structure_get_string(gst_caps_get_structure(caps, 0), "colorimetry");
    if (text)
        gst_video_colorimetry_from_string(&said, text);
    const GstVideoColorimetry repaired =
        repaired_colorimetry(said, decoded.container, video.width, video.height);
    const StringPtr meant(gst_video_colorimetry_to_string(&repaired));
    const CapsPtr right(gst_caps_copy(caps));
    gst_caps_set_simple(right.get(), "colorimetry", G_TYPE_STRING, meant.get(), nullptr);
    GST_PAD_PROBE_INFO_DATA(info) = gst_event_new_caps(right.get());
    gst_event_unref(event);
    return GST_PAD_PROBE_OK;
}

/// A muxer has one size for a film, and H.264 with 4:2:0 an even one: the size of the first frame stays,
/// others are scaled into it with borders. Not the first caps decide: a rotation is known only behind them.
struct Shape {
    SharedCounts counts;
    bool even;
    ElementPtr filter;
    GstVideoInfo latest; ///< of what comes in
    int width = 0;       ///< of what goes out; 0: no picture has come yet
    int height = 0;
    bool begun = false;

    int whole(int side) const { return even ? side + (side & 1) : side; }
};

void fix(const Shape &shape)
{
    const CapsPtr fixed(
        gst_caps_new_simple("video/x-raw", "width", G_TYPE_INT, shape.whole(shape.latest.width), "height",
                            G_TYPE_INT, shape.whole(shape.latest.height), "pixel-aspect-ratio",
                            GST_TYPE_FRACTION, shape.latest.par_n, shape.latest.par_d, nullptr));
    g_object_set(shape.filter.get(), "caps", fixed.get(), nullptr);
}

GstPadProbeReturn set_shape(GstPad *, GstPadProbeInfo *info, gpointer data)
{
    auto &shape = *static_cast<Shape *>(data);
    if (!is_buffer(info)) {
        GstCaps *caps = nullptr;
        if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_CAPS) {
            gst_event_parse_caps(GST_PAD_PROBE_INFO_EVENT(info), &caps);
            gst_video_info_from_caps(&shape.latest, caps);
            if (shape.width == 0)
                fix(shape); // for now
        }
        return GST_PAD_PROBE_OK;
    }
    const int width = shape.whole(shape.latest.width);
    const int height = shape.whole(shape.latest.height);
    if (!std::exchange(shape.begun, true))
        shape.counts->odd = width != shape.latest.width || height != shape.latest.height;
    if (shape.width != 0 && (width != shape.width || height != shape.height))
        shape.counts->resized = true;
    if (shape.width == 0) {
        shape.width = width;
        shape.height = height;
    }
    return GST_PAD_PROBE_OK;
}

/// What decodebin's pad needs before "frames": a bin of steps, or nothing.
GstElement *make_steps(const PicturePlan &plan)
{
    if (!plan.hdr && !plan.alpha)
        return nullptr;
    GstElement *bin = gst_bin_new(nullptr);
    GstElement *convert = gst_element_factory_make("videoconvert", nullptr);
    GstElement *filter = plan.hdr ? make_tone_mapper(plan.peak) : make_flattener();
    gst_bin_add_many(GST_BIN(bin), convert, filter, nullptr);
    gst_element_link(convert, filter);
    const PadPtr in(gst_element_get_static_pad(convert, "sink"));
    const PadPtr out(gst_element_get_static_pad(filter, "src"));
    gst_element_add_pad(bin, gst_ghost_pad_new("sink", in.get()));
    gst_element_add_pad(bin, gst_ghost_pad_new("src", out.get()));
    return bin;
}

void picture_decoded(GstElement *decoder, GstPad *pad, gpointer data)
{
    const PictureJob &job = *static_cast<PictureJob *>(data);
    const ElementPtr pipeline(GST_ELEMENT(gst_element_get_parent(decoder)));
    const ElementPtr colours(gst_bin_get_by_name(GST_BIN(pipeline.get()), "colours"));
    skip_painted(pad, job.skip, colours != nullptr);
    Decoded decoded = {job.counts, job.skip, job.plan.container, {}};
    gst_segment_init(&decoded.segment, GST_FORMAT_TIME);
    add_probe(pad, buffers_and_events, see_decoded, std::move(decoded));
    const ElementPtr frames(gst_bin_get_by_name(GST_BIN(pipeline.get()), "frames"));
    PadPtr to(gst_element_get_static_pad(frames.get(), "sink"));
    if (GstElement *steps = make_steps(job.plan)) {
        gst_bin_add(GST_BIN(pipeline.get()), steps);
        const PadPtr out(gst_element_get_static_pad(steps, "src"));
        gst_pad_link(out.get(), to.get());
        gst_element_sync_state_with_parent(steps);
        to.reset(gst_element_get_static_pad(steps, "sink"));
    }
    if (gst_pad_link(pad, to.get()) != GST_PAD_LINK_OK)
        GST_ELEMENT_ERROR(decoder, CORE, NEGOTIATION, ("The decoded picture can't be painted."), (nullptr));
}

/// Lost packets are counted and said at the end; no number of them ends the film.
void element_added(GstBin *, GstBin *, GstElement *element, gpointer)
{
    if (g_object_class_find_property(G_OBJECT_GET_CLASS(element), "max-errors"))
        g_object_set(element, "max-errors", -1, nullptr);
}

} // namespace

PicturePlan plan_picture(const FilmLook &look)
{
    PicturePlan plan;
    const CapsPtr caps(gst_caps_from_string(look.streams[look.picture].caps.c_str()));
    const gchar *text = gst_structure_get_string(gst_caps_get_structure(caps.get(), 0), "colorimetry");
    GstVideoColorimetry container = {};
    if (text && gst_video_colorimetry_from_string(&container, text))
        plan.container = container;
    GstVideoInfo video;
    if (!gst_video_info_from_caps(&video, look.decoded.get()))
        return plan;
    GstVideoColorimetry said = {};
    text = gst_structure_get_string(gst_caps_get_structure(look.decoded.get(), 0), "colorimetry");
    if (text)
        gst_video_colorimetry_from_string(&said, text);
    plan.colorimetry = repaired_colorimetry(said, plan.container, video.width, video.height);
    plan.hdr = is_hdr(plan.colorimetry);
    plan.alpha = GST_VIDEO_INFO_HAS_ALPHA(&video);
    plan.peak = peak_light(caps.get(), plan.colorimetry);
    plan.written = written_colorimetry(plan.colorimetry, video.width, video.height);
    return plan;
}

namespace
{

/// Pictures of a film that is gone on with have the size of those that are there.
void take_shape(Shape &shape, const std::string &caps_text)
{
    const CapsPtr caps(gst_caps_from_string(caps_text.c_str()));
    const GstStructure *coded = gst_caps_get_structure(caps.get(), 0);
    gst_structure_get_int(coded, "width", &shape.width);
    gst_structure_get_int(coded, "height", &shape.height);
    shape.latest.par_n = shape.latest.par_d = 1;
    gst_structure_get_fraction(coded, "pixel-aspect-ratio", &shape.latest.par_n, &shape.latest.par_d);
    shape.latest.width = shape.width;
    shape.latest.height = shape.height;
    fix(shape);
}

} // namespace

void prepare_picture(const Pipeline &pipeline, const PictureJob &job)
{
    const ElementPtr decoder = pipeline.element("decoder");
    g_signal_connect(decoder.get(), "deep-element-added", G_CALLBACK(element_added), nullptr);
    g_signal_connect_data(
        decoder.get(), "pad-added", G_CALLBACK(picture_decoded), new PictureJob(job),
        [](gpointer data, GClosure *) { delete static_cast<PictureJob *>(data); }, GConnectFlags(0));
    const bool goes_on = job.journal->pictures() > 0;
    const ElementPtr fit = pipeline.element("fit");
    if (ElementPtr shape = pipeline.element("shape"); fit && shape) {
        const PadPtr sink(gst_element_get_static_pad(fit.get(), "sink"));
        Shape data = {job.counts, job.plan.even, std::move(shape), {}};
        gst_video_info_init(&data.latest);
        if (goes_on)
            take_shape(data, job.journal->caps());
        add_probe(sink.get(), buffers_and_events, set_shape, std::move(data));
    }
    if (const ElementPtr colours = pipeline.element("colours")) {
        const CapsPtr caps(gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "I420", "colorimetry",
                                               G_TYPE_STRING, job.plan.written.c_str(), nullptr));
        g_object_set(colours.get(), "caps", caps.get(), nullptr);
        const PadPtr sink(gst_element_get_static_pad(colours.get(), "sink"));
        skip_warm_up(sink.get(), job.skip);
    }
    const ElementPtr coded = pipeline.element("coded");
    const PadPtr source(gst_element_get_static_pad(coded.get(), "src"));
    record_coded(source.get(), job.counts, job.journal);
}

void link_picture(GstElement *picture, GstPad *pad, const PictureJob &job)
{
    keep_running_time(pad, job.skip);
    Arriving arriving = {job.counts, job.skip, {}};
    gst_segment_init(&arriving.segment, GST_FORMAT_UNDEFINED);
    add_probe(pad, static_cast<GstPadProbeType>(buffers_and_events | GST_PAD_PROBE_TYPE_EVENT_FLUSH),
              see_packet, std::move(arriving));
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, hide_colorimetry, nullptr, nullptr);
    const PadPtr sink(gst_element_get_static_pad(picture, "sink"));
    if (gst_pad_link(pad, sink.get()) != GST_PAD_LINK_OK)
        GST_ELEMENT_ERROR(picture, CORE, NEGOTIATION, ("The picture can't be linked."), (nullptr));
}

} // namespace anime
