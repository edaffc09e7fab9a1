// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/film/skip.h"

#include "pipelines/film/probe.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

namespace anime
{

namespace
{

/// Less than between any two pictures, and more than an encoder rounds.
constexpr std::int64_t same_time = 100'000;

struct Rebase {
    SharedSkip skip;
    bool started = false;
    bool flushed = false;
};

GstPadProbeReturn rebase(GstPad *, GstPadProbeInfo *info, gpointer data)
{
    auto &[skip, started, flushed] = *static_cast<Rebase *>(data);
    GstEvent *event = GST_PAD_PROBE_INFO_EVENT(info);
    if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP)
        flushed = true;
    if (GST_EVENT_TYPE(event) != GST_EVENT_SEGMENT)
        return GST_PAD_PROBE_OK;
    GstSegment segment;
    gst_event_copy_segment(event, &segment);
    if (segment.format != GST_FORMAT_TIME)
        return GST_PAD_PROBE_OK;
    if (!std::exchange(started, true))
        skip->ahead = GST_CLOCK_DIFF(segment.time, segment.base);
    if (!flushed)
        return GST_PAD_PROBE_OK;
    segment.base = static_cast<guint64>(
        std::max<GstClockTimeDiff>(0, static_cast<GstClockTimeDiff>(segment.time) + skip->ahead));
    segment.offset = 0;
    GST_PAD_PROBE_INFO_DATA(info) = gst_event_new_segment(&segment);
    gst_event_unref(event);
    return GST_PAD_PROBE_OK;
}

struct Filter {
    SharedSkip skip;
    GstSegment segment;
    bool warm;
};

std::optional<std::int64_t> time_of(const Filter &filter, GstBuffer *buffer)
{
    const GstClockTime time =
        gst_segment_to_running_time(&filter.segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
    return GST_CLOCK_TIME_IS_VALID(time) ? std::optional(static_cast<std::int64_t>(time)) : std::nullopt;
}

GstPadProbeReturn hold_back(Filter &filter, GstBuffer *picture)
{
    Skip &skip = *filter.skip;
    skip.decoding = true;
    const std::optional<std::int64_t> time = time_of(filter, picture);
    if (!time)
        return GST_PAD_PROBE_DROP; // before an edit list's beginning
    Skip::Stage stage = Skip::at_the_beginning;
    if (*time >= skip.after - warm_up)
        skip.stage.compare_exchange_strong(stage, Skip::there); // decoded faster than told to seek
    if (skip.stage != Skip::there)
        return GST_PAD_PROBE_DROP;
    if (std::abs(*time - skip.after) <= same_time)
        skip.found = true;
    const bool is_new = skip.is_kept(*time);
    if (is_new && !skip.found)
        skip.missed = true;
    const std::int64_t first = filter.warm ? skip.after - warm_up : skip.after + same_time;
    return *time < first || skip.missed ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
}

GstPadProbeReturn see_decoded(GstPad *, GstPadProbeInfo *info, gpointer data)
{
    auto &filter = *static_cast<Filter *>(data);
    if (is_buffer(info))
        return hold_back(filter, GST_PAD_PROBE_INFO_BUFFER(info));
    GstEvent *event = GST_PAD_PROBE_INFO_EVENT(info);
    switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_SEGMENT:
        gst_event_copy_segment(event, &filter.segment);
        return GST_PAD_PROBE_OK;
    case GST_EVENT_FLUSH_STOP:
        filter.skip->stage = Skip::there;
        return GST_PAD_PROBE_DROP;
    case GST_EVENT_FLUSH_START:
        return GST_PAD_PROBE_DROP; // nothing has passed yet
    default:
        return GST_PAD_PROBE_OK;
    }
}

GstPadProbeReturn see_warm(GstPad *, GstPadProbeInfo *info, gpointer data)
{
    auto &filter = *static_cast<Filter *>(data);
    if (!is_buffer(info)) {
        if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_SEGMENT)
            gst_event_copy_segment(GST_PAD_PROBE_INFO_EVENT(info), &filter.segment);
        return GST_PAD_PROBE_OK;
    }
    const std::optional<std::int64_t> time = time_of(filter, GST_PAD_PROBE_INFO_BUFFER(info));
    return time && !filter.skip->is_kept(*time) ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
}

void add_filter(GstPad *pad, const SharedSkip &skip, bool warm,
                GstPadProbeReturn (*probe)(GstPad *, GstPadProbeInfo *, gpointer))
{
    if (skip->after < 0)
        return;
    Filter filter = {skip, {}, warm};
    gst_segment_init(&filter.segment, GST_FORMAT_TIME);
    add_probe(pad, static_cast<GstPadProbeType>(buffers_and_events | GST_PAD_PROBE_TYPE_EVENT_FLUSH), probe,
              std::move(filter));
}

} // namespace

bool Skip::is_kept(std::int64_t time) const
{
    return time > after + same_time || after < 0;
}

SharedSkip make_skip(std::int64_t after, bool seeks)
{
    auto skip = std::make_shared<Skip>();
    skip->after = after;
    skip->seeks = seeks && after > warm_up;
    skip->stage = skip->seeks ? Skip::at_the_beginning : Skip::there;
    return skip;
}

void keep_running_time(GstPad *stream, const SharedSkip &skip)
{
    if (skip->seeks)
        add_probe(stream,
                  static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM |
                                               GST_PAD_PROBE_TYPE_EVENT_FLUSH),
                  rebase, Rebase{skip});
}

void skip_painted(GstPad *decoded, const SharedSkip &skip, bool warm)
{
    add_filter(decoded, skip, warm, see_decoded);
}

void skip_warm_up(GstPad *painted, const SharedSkip &skip)
{
    add_filter(painted, skip, false, see_warm);
}

void seek_if_due(GstElement *decodebin, Skip &skip)
{
    Skip::Stage stage = Skip::at_the_beginning;
    if (!skip.decoding || !skip.stage.compare_exchange_strong(stage, Skip::sought))
        return;
    // A key frame at or before this: what is decoded from there begins before the warm-up.
    const gint64 target = std::max<gint64>(0, skip.after - warm_up - skip.ahead);
    constexpr auto flags =
        static_cast<GstSeekFlags>(GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_KEY_UNIT | GST_SEEK_FLAG_SNAP_BEFORE);
    GstEvent *seek =
        gst_event_new_seek(1.0, GST_FORMAT_TIME, flags, GST_SEEK_TYPE_SET, target, GST_SEEK_TYPE_NONE, -1);
    const PadPtr decoded(gst_element_get_static_pad(decodebin, "src_0"));
    if (!gst_pad_send_event(decoded.get(), seek))
        skip.stage = Skip::there;
}

} // namespace anime
