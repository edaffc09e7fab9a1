// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/film/coded.h"

#include "pipelines/film/probe.h"

#include <algorithm>
#include <utility>

namespace anime
{

namespace
{

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

struct Painted {
    SharedCounts counts;
    std::shared_ptr<Journal> journal;
    GstSegment segment;
    CapsPtr caps;  ///< said, and not written yet
    bool compares; ///< the first caps of a film that is gone on with have to be as they were
    bool failed = false;
};

/// Running time, also before 0, where an encoder that reorders has to begin decoding.
std::int64_t running_time(const GstSegment &segment, GstClockTime time)
{
    guint64 distance = 0;
    if (!GST_CLOCK_TIME_IS_VALID(time))
        return CodedPicture::no_time;
    const int sign = gst_segment_to_running_time_full(&segment, GST_FORMAT_TIME, time, &distance);
    return sign == 0 ? CodedPicture::no_time : sign * static_cast<std::int64_t>(distance);
}

void say_unwritable(GstPad *pad, const std::error_code &error)
{
    const ElementPtr element(gst_pad_get_parent_element(pad));
    if (error == std::errc::no_space_on_device)
        GST_ELEMENT_ERROR(element.get(), RESOURCE, NO_SPACE_LEFT,
                          ("There is no space left for the painted film."), (nullptr));
    else
        GST_ELEMENT_ERROR(element.get(), RESOURCE, WRITE,
                          ("The painted film can't be written: %s.", error.message().c_str()), (nullptr));
}

void see_event(GstEvent *event, Painted &painted)
{
    if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT)
        gst_event_copy_segment(event, &painted.segment);
    if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS)
        return;
    GstCaps *caps = nullptr;
    gst_event_parse_caps(event, &caps);
    painted.caps.reset(gst_caps_ref(caps));
}

void say_different(GstPad *pad, const GstCaps *now, const std::string &before)
{
    const ElementPtr element(gst_pad_get_parent_element(pad));
    const StringPtr text(gst_caps_to_string(now));
    GST_ELEMENT_ERROR_WITH_DETAILS(
        element.get(), STREAM, ENCODE,
        ("The encoder makes another kind of stream than it did when the film was begun. Paint the film anew, "
         "without --resume."),
        ("%s, not %s", text.get(), before.c_str()),
        ("code", G_TYPE_STRING, "film-resume-refused", "remedy", G_TYPE_STRING,
         "Paint the film anew, without --resume.", nullptr));
}

/// Of the picture that comes now: an encoder may say them more than once before it.
bool write_caps(GstPad *pad, Painted &painted)
{
    const CapsPtr caps = std::move(painted.caps);
    if (!caps)
        return true;
    Journal &journal = *painted.journal;
    const StringPtr text(gst_caps_to_string(caps.get()));
    if (std::exchange(painted.compares, false) && journal.caps() != text.get()) {
        say_different(pad, caps.get(), journal.caps());
        return false;
    }
    const std::error_code error = journal.write_caps(caps.get());
    if (error)
        say_unwritable(pad, error);
    return !error;
}

bool write_picture(GstPad *pad, Painted &painted, GstBuffer *buffer)
{
    FilmCounts &counts = *painted.counts;
    CodedPicture picture;
    picture.shown_at = running_time(painted.segment, GST_BUFFER_PTS(buffer));
    picture.decoded_at = running_time(painted.segment, GST_BUFFER_DTS(buffer));
    picture.duration = static_cast<std::int64_t>(GST_BUFFER_DURATION(buffer));
    picture.begins = !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
    picture.data.reset(gst_buffer_ref(buffer));
    if (const std::error_code error = painted.journal->write(picture)) {
        say_unwritable(pad, error);
        return false;
    }
    ++counts.painted;
    if (picture.begins)
        ++counts.begins;
    counts.painted_to = std::max(counts.painted_to.load(), picture.shown_at); // this thread alone writes it
    return true;
}

GstPadProbeReturn see_painted(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    auto &painted = *static_cast<Painted *>(data);
    if (!is_buffer(info)) {
        see_event(GST_PAD_PROBE_INFO_EVENT(info), painted);
        return GST_PAD_PROBE_OK;
    }
    const GstClockTime usual = painted.counts->frame_time;
    set_duration(info, usual > 0 ? usual : GST_SECOND / 30);
    if (!painted.failed && write_caps(pad, painted) &&
        write_picture(pad, painted, GST_PAD_PROBE_INFO_BUFFER(info)))
        return GST_PAD_PROBE_OK;
    painted.failed = true; // what is still on its way is not written either
    gst_buffer_unref(GST_PAD_PROBE_INFO_BUFFER(info));
    GST_PAD_PROBE_INFO_FLOW_RETURN(info) = GST_FLOW_ERROR;
    return GST_PAD_PROBE_HANDLED;
}

} // namespace

void record_coded(GstPad *coded, const SharedCounts &counts, const std::shared_ptr<Journal> &journal)
{
    Painted painted = {counts, journal, {}, {}, journal->pictures() > 0};
    gst_segment_init(&painted.segment, GST_FORMAT_TIME);
    add_probe(coded, buffers_and_events, see_painted, std::move(painted));
}

} // namespace anime
