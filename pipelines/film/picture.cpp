// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/film/picture.h"

#include "pipelines/film/colour.h"
#include "pipelines/film/pixel_filter.h"

#include <algorithm>
#include <utility>

namespace anime
{

namespace
{

constexpr auto buffers_and_events =
    static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM);

template <typename Type>
void add_probe(GstPad *pad, GstPadProbeType type,
               GstPadProbeReturn (*probe)(GstPad *, GstPadProbeInfo *, gpointer), Type data)
{
    gst_pad_add_probe(pad, type, probe, new Type(std::move(data)),
                      [](gpointer one) { delete static_cast<Type *>(one); });
}

bool is_buffer(const GstPadProbeInfo *info)
{
    return (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER) != 0;
}

void raise(std::atomic<std::int64_t> &highest, std::int64_t value)
{
    std::int64_t known = highest.load();
    while (value > known && !highest.compare_exchange_weak(known, value)) {
    }
}

/// Times of a stream: PTS in its segment, as the muxer will see it.
struct StreamTimes {
    SharedCounts counts;
    GstSegment segment;
    bool is_picture;
};

/// In the demuxer's thread, as everything that passes the other streams' pads.
void end_finished_streams(FilmCounts &counts)
{
    const std::lock_guard guard(counts.lock);
    for (auto &[pad, packets_left, ended] : counts.others)
        if (packets_left == 0 && !std::exchange(ended, true))
            gst_pad_push_event(pad, gst_event_new_eos());
}

void note_arrival(FilmCounts &counts, const GstPad *pad)
{
    const std::lock_guard guard(counts.lock);
    for (auto &other : counts.others)
        if (other.pad == pad && other.packets_left > 0)
            --other.packets_left;
}

GstPadProbeReturn see_packet(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    auto &times = *static_cast<StreamTimes *>(data);
    if (!is_buffer(info)) {
        if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_SEGMENT)
            gst_event_copy_segment(GST_PAD_PROBE_INFO_EVENT(info), &times.segment);
        return GST_PAD_PROBE_OK;
    }
    const GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(info);
    // What lies before an edit list's beginning is decoded, but not shown.
    const bool shown = !GST_BUFFER_PTS_IS_VALID(buffer) || times.segment.format != GST_FORMAT_TIME ||
                       gst_segment_to_running_time(&times.segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer)) !=
                           GST_CLOCK_TIME_NONE;
    if (times.is_picture && shown && !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_HEADER))
        ++times.counts->packets;
    if (times.is_picture)
        end_finished_streams(*times.counts);
    else
        note_arrival(*times.counts, pad);
    if (!GST_BUFFER_PTS_IS_VALID(buffer) || times.segment.format != GST_FORMAT_TIME)
        return GST_PAD_PROBE_OK;
    const GstClockTime duration = GST_BUFFER_DURATION_IS_VALID(buffer) ? GST_BUFFER_DURATION(buffer) : 0;
    guint64 time = 0;
    if (gst_segment_to_running_time_full(&times.segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer), &time) <= 0)
        return GST_PAD_PROBE_OK;
    const auto at = static_cast<std::int64_t>(time);
    raise(times.counts->read_to, at + static_cast<std::int64_t>(duration));
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
    std::optional<GstVideoColorimetry> container;
    GstClockTime before = GST_CLOCK_TIME_NONE; ///< PTS of the frame before
};

/// Without a true frame rate frames have no duration, or that of a tick, and the last one would be shown for
/// no time at all: it gets that of the one before.
void set_duration(GstPadProbeInfo *info, GstClockTime usual)
{
    GstBuffer *frame = GST_PAD_PROBE_INFO_BUFFER(info);
    if (GST_BUFFER_DURATION_IS_VALID(frame) && GST_BUFFER_DURATION(frame) >= usual / 2)
        return;
    frame = gst_buffer_make_writable(frame);
    GST_BUFFER_DURATION(frame) = usual;
    GST_PAD_PROBE_INFO_DATA(info) = frame;
}

GstPadProbeReturn see_decoded(GstPad *, GstPadProbeInfo *info, gpointer data)
{
    auto &[counts, container, before] = *static_cast<Decoded *>(data);
    if (is_buffer(info)) {
        const GstClockTime time = GST_BUFFER_PTS(GST_PAD_PROBE_INFO_BUFFER(info));
        if (GST_CLOCK_TIME_IS_VALID(before) && GST_CLOCK_TIME_IS_VALID(time) && time > before)
            counts->frame_time = time - before;
        before = time;
        ++counts->decoded;
        if (GST_BUFFER_FLAG_IS_SET(GST_PAD_PROBE_INFO_BUFFER(info), GST_BUFFER_FLAG_CORRUPTED))
            ++counts->damaged;
        return GST_PAD_PROBE_OK;
    }
    GstEvent *event = GST_PAD_PROBE_INFO_EVENT(info);
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
    const GstVideoColorimetry repaired = repaired_colorimetry(said, container, video.width, video.height);
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
    ElementPtr filter;
    GstVideoInfo latest;
    int width = 0;
    int height = 0;
};

void fix(const Shape &shape)
{
    const auto &[width, height] = std::pair(shape.latest.width, shape.latest.height);
    const CapsPtr fixed(gst_caps_new_simple(
        "video/x-raw", "width", G_TYPE_INT, width + (width & 1), "height", G_TYPE_INT, height + (height & 1),
        "pixel-aspect-ratio", GST_TYPE_FRACTION, shape.latest.par_n, shape.latest.par_d, nullptr));
    g_object_set(shape.filter.get(), "caps", fixed.get(), nullptr);
}

GstPadProbeReturn set_shape(GstPad *, GstPadProbeInfo *info, gpointer data)
{
    auto &shape = *static_cast<Shape *>(data);
    const bool first = shape.width == 0;
    if (!is_buffer(info)) {
        GstCaps *caps = nullptr;
        if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_CAPS) {
            gst_event_parse_caps(GST_PAD_PROBE_INFO_EVENT(info), &caps);
            gst_video_info_from_caps(&shape.latest, caps);
            if (first)
                fix(shape); // for now
        }
        return GST_PAD_PROBE_OK;
    }
    const int width = shape.latest.width;
    const int height = shape.latest.height;
    if (width == shape.width && height == shape.height)
        return GST_PAD_PROBE_OK;
    shape.width = width;
    shape.height = height;
    if (first)
        shape.counts->odd = (width | height) & 1;
    else
        ++shape.counts->resized;
    return GST_PAD_PROBE_OK;
}

struct Painted {
    SharedCounts counts;
    GstSegment segment;
};

GstPadProbeReturn see_painted(GstPad *, GstPadProbeInfo *info, gpointer data)
{
    auto &[counts, segment] = *static_cast<Painted *>(data);
    if (!is_buffer(info)) {
        if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_SEGMENT)
            gst_event_copy_segment(GST_PAD_PROBE_INFO_EVENT(info), &segment);
        return GST_PAD_PROBE_OK;
    }
    ++counts->painted;
    const GstClockTime usual = counts->frame_time;
    set_duration(info, usual > 0 ? usual : GST_SECOND / 30);
    const GstClockTime time = gst_segment_to_running_time(&segment, GST_FORMAT_TIME,
                                                          GST_BUFFER_PTS(GST_PAD_PROBE_INFO_BUFFER(info)));
    if (GST_CLOCK_TIME_IS_VALID(time))
        raise(counts->painted_to, static_cast<std::int64_t>(time));
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

struct Behind {
    PicturePlan plan;
    SharedCounts counts;
};

void picture_decoded(GstElement *decoder, GstPad *pad, gpointer data)
{
    const auto &[plan, counts] = *static_cast<Behind *>(data);
    add_probe(pad, buffers_and_events, see_decoded, Decoded{counts, plan.container});
    const ElementPtr pipeline(GST_ELEMENT(gst_element_get_parent(decoder)));
    const ElementPtr frames(gst_bin_get_by_name(GST_BIN(pipeline.get()), "frames"));
    PadPtr to(gst_element_get_static_pad(frames.get(), "sink"));
    if (GstElement *steps = make_steps(plan)) {
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

void prepare_picture(const Pipeline &pipeline, const PicturePlan &plan, const SharedCounts &counts)
{
    const ElementPtr decoder = pipeline.element("decoder");
    g_signal_connect(decoder.get(), "deep-element-added", G_CALLBACK(element_added), nullptr);
    g_signal_connect_data(
        decoder.get(), "pad-added", G_CALLBACK(picture_decoded), new Behind{plan, counts},
        [](gpointer data, GClosure *) { delete static_cast<Behind *>(data); }, GConnectFlags(0));
    const ElementPtr fit = pipeline.element("fit");
    if (ElementPtr shape = pipeline.element("shape"); fit && shape) {
        const PadPtr sink(gst_element_get_static_pad(fit.get(), "sink"));
        Shape data = {counts, std::move(shape), {}};
        gst_video_info_init(&data.latest);
        add_probe(sink.get(), buffers_and_events, set_shape, std::move(data));
    }
    if (const ElementPtr colours = pipeline.element("colours")) {
        const CapsPtr caps(gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "I420", "colorimetry",
                                               G_TYPE_STRING, plan.written.c_str(), nullptr));
        g_object_set(colours.get(), "caps", caps.get(), nullptr);
    }
    const ElementPtr coded = pipeline.element("coded");
    const PadPtr source(gst_element_get_static_pad(coded.get(), "src"));
    Painted painted = {counts, {}};
    gst_segment_init(&painted.segment, GST_FORMAT_TIME);
    add_probe(source.get(), buffers_and_events, see_painted, std::move(painted));
}

void watch_stream(GstPad *pad, std::uint64_t packets, const SharedCounts &counts)
{
    {
        const std::lock_guard guard(counts->lock);
        counts->others.push_back({pad, packets});
    }
    StreamTimes times = {counts, {}, false};
    gst_segment_init(&times.segment, GST_FORMAT_UNDEFINED);
    add_probe(pad, buffers_and_events, see_packet, std::move(times));
}

void link_picture(GstElement *picture, GstPad *pad, const SharedCounts &counts)
{
    StreamTimes times = {counts, {}, true};
    gst_segment_init(&times.segment, GST_FORMAT_UNDEFINED);
    add_probe(pad, buffers_and_events, see_packet, std::move(times));
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, hide_colorimetry, nullptr, nullptr);
    const PadPtr sink(gst_element_get_static_pad(picture, "sink"));
    if (gst_pad_link(pad, sink.get()) != GST_PAD_LINK_OK)
        GST_ELEMENT_ERROR(picture, CORE, NEGOTIATION, ("The picture can't be linked."), (nullptr));
}

} // namespace anime
