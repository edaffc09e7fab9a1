// SPDX-License-Identifier: LGPL-2.1-or-later
// The stream's events and caps: what is told downstream, and when.
#include "elements/sizeguard/stream.h"

#include <utility>

#define GST_CAT_DEFAULT sizeguard_debug

namespace anime
{

namespace
{

constexpr const char *ENCODED_CAPS = "image/jpeg; image/png; image/webp";

Failure unsupported_downstream(const std::string &offered)
{
    return {.code = "caps-unsupported",
            .message = "The next element does not take " + offered + ".",
            .remedy = "Put videoconvert behind sizeguard, and imagefreeze where a frame rate is asked for.",
            .debug = "no common caps"};
}

} // namespace

GstCaps *SizeguardStream::sink_caps(GstCaps *filter) const
{
    const CapsPtr downstream(gst_pad_peer_query_caps(src_, nullptr));
    const CapsPtr raw_template(gst_pad_get_pad_template_caps(src_));
    CapsPtr raw(gst_caps_intersect(downstream.get(), raw_template.get()));
    // Frames that need no scaling come first.
    CapsPtr any_size(gst_caps_copy(raw.get()));
    gst_caps_set_simple(any_size.get(), "width", GST_TYPE_INT_RANGE, 1, G_MAXINT, "height",
                        GST_TYPE_INT_RANGE, 1, G_MAXINT, nullptr);
    GstCaps *all = gst_caps_from_string(ENCODED_CAPS);
    gst_caps_append(all, raw.release());
    all = gst_caps_merge(all, any_size.release());
    if (!filter)
        return all;
    GstCaps *filtered = gst_caps_intersect_full(filter, all, GST_CAPS_INTERSECT_FIRST);
    gst_caps_unref(all);
    return filtered;
}

bool SizeguardStream::event(GstEvent *raw_event)
{
    EventPtr event(raw_event);
    switch (GST_EVENT_TYPE(event.get())) {
    case GST_EVENT_FLUSH_START:
        cancellation_.set_flushing(true);
        return gst_pad_push_event(src_, event.release());
    case GST_EVENT_FLUSH_STOP:
        cancellation_.set_flushing(false);
        flush();
        return gst_pad_push_event(src_, event.release());
    case GST_EVENT_STREAM_START:
        end_image();
        forget_stream();
        src_caps_.reset();
        parsed_caps_ = false;
        mode_ = Mode::pieces;
        return gst_pad_push_event(src_, event.release());
    case GST_EVENT_CAPS: {
        GstCaps *caps;
        gst_event_parse_caps(event.get(), &caps);
        return set_caps(caps);
    }
    case GST_EVENT_SEGMENT:
        end_image();
        set_segment(std::move(event));
        return true;
    case GST_EVENT_SEGMENT_DONE:
    case GST_EVENT_STREAM_GROUP_DONE:
        // No more of this comes, as at the end of the stream.
        return end_image() && forward_or_hold(event.release());
    case GST_EVENT_TAG:
        event = without_orientation(std::move(event));
        return !event || forward_or_hold(event.release());
    case GST_EVENT_EOS:
        if (failed_)
            return false;
        if (mode_ != Mode::raw && !any_image_)
            begin_image(); // fails at its end: there is no data
        if (!end_image())
            return false;
        return gst_pad_push_event(src_, event.release());
    default:
        return forward_or_hold(event.release());
    }
}

/// What is serialized and sticky belongs behind the caps, which a still has only once it is decoded.
bool SizeguardStream::forward_or_hold(GstEvent *event)
{
    const bool serialized = int{GST_EVENT_TYPE(event)} & int{GST_EVENT_TYPE_SERIALIZED};
    if (mode_ != Mode::raw && !src_caps_ && serialized) {
        held_.emplace_back(event);
        return true;
    }
    return gst_pad_push_event(src_, event);
}

EventPtr SizeguardStream::without_orientation(EventPtr event) const
{
    GstTagList *tags;
    gst_event_parse_tag(event.get(), &tags);
    // A parser's tag says how to turn what is upright already.
    if (gst_tag_list_get_tag_size(tags, GST_TAG_IMAGE_ORIENTATION) == 0 || mode_ == Mode::raw ||
        !settings_.copy().limits.auto_rotate)
        return event;
    GstTagList *rest = gst_tag_list_copy(tags);
    gst_tag_list_remove_tag(rest, GST_TAG_IMAGE_ORIENTATION);
    if (gst_tag_list_is_empty(rest)) {
        gst_tag_list_unref(rest);
        return nullptr;
    }
    EventPtr replacement(gst_event_new_tag(rest));
    gst_event_set_seqnum(replacement.get(), gst_event_get_seqnum(event.get()));
    return replacement;
}

bool SizeguardStream::set_caps(GstCaps *caps)
{
    GST_DEBUG_OBJECT(element_, "in comes %" GST_PTR_FORMAT, caps);
    end_image();
    const GstStructure *structure = gst_caps_get_structure(caps, 0);
    // After a failure of ours the next buffer gets GST_FLOW_ERROR: "not negotiated" would hide the reason.
    if (gst_structure_has_name(structure, "video/x-raw"))
        return set_raw_caps(caps) || failed_;

    raw_.reset();
    gboolean parsed = FALSE;
    gst_structure_get_boolean(structure, "parsed", &parsed);
    parsed_caps_ = parsed;
    framerate_n_ = 0;
    framerate_d_ = 1;
    gst_structure_get_fraction(structure, "framerate", &framerate_n_, &framerate_d_);
    choose_mode();
    return true;
}

bool SizeguardStream::set_raw_caps(GstCaps *caps)
{
    mode_ = Mode::raw;
    image_settings_ = settings_.copy();
    spent_ = 0;
    if (auto failure = raw_.configure(caps, image_settings_.limits)) {
        fail(*failure);
        return false;
    }
    if (!accepted_downstream(raw_.out_caps())) {
        fail(unsupported_downstream(StringPtr(gst_caps_to_string(raw_.out_caps())).get()));
        return false;
    }
    const bool sent = send_caps(raw_.out_caps());
    send_held();
    return sent;
}

/// Of encoded images nobody needs to know where they should lie.
bool SizeguardStream::answer_allocation(GstQuery *query)
{
    return mode_ != Mode::raw || raw_.answer_allocation(src_, query);
}

void SizeguardStream::set_segment(EventPtr event)
{
    film_frames_ = 0;
    gst_event_copy_segment(event.get(), &segment_);
    byte_segment_ = segment_.format == GST_FORMAT_BYTES;
    if (segment_.format != GST_FORMAT_TIME) {
        gst_segment_init(&segment_, GST_FORMAT_TIME);
        EventPtr replacement(gst_event_new_segment(&segment_));
        gst_event_set_seqnum(replacement.get(), gst_event_get_seqnum(event.get()));
        event = std::move(replacement);
    }
    segment_event_ = std::move(event);
    if (mode_ == Mode::raw)
        send_held();
    else
        choose_mode();
}

void SizeguardStream::choose_mode()
{
    mode_ = parsed_caps_ || !byte_segment_ ? Mode::images : Mode::pieces;
}

bool SizeguardStream::accepted_downstream(const GstCaps *caps) const
{
    const CapsPtr downstream(gst_pad_peer_query_caps(src_, nullptr));
    return gst_caps_can_intersect(downstream.get(), caps);
}

bool SizeguardStream::negotiate(const ImageInfo &info, GstVideoInfo &out)
{
    const GstVideoFormat preferred = info.has_alpha ? GST_VIDEO_FORMAT_RGBA : GST_VIDEO_FORMAT_RGB;
    const GstVideoFormat other = info.has_alpha ? GST_VIDEO_FORMAT_RGB : GST_VIDEO_FORMAT_RGBA;
    for (const GstVideoFormat format : {preferred, other}) {
        if (!gst_video_info_set_format(&out, format, info.width, info.height))
            break;
        out.fps_n = framerate_n_;
        out.fps_d = framerate_d_;
        const CapsPtr caps(gst_video_info_to_caps(&out));
        if (!accepted_downstream(caps.get()))
            continue;
        const bool sent = send_caps(caps.get());
        send_held();
        return sent;
    }
    fail(unsupported_downstream("RGB or RGBA frames of " + std::to_string(info.width) + "×" +
                                std::to_string(info.height)));
    return false;
}

bool SizeguardStream::send_caps(GstCaps *caps)
{
    if (src_caps_ && gst_caps_is_equal(src_caps_.get(), caps))
        return true;
    GST_DEBUG_OBJECT(element_, "frames are %" GST_PTR_FORMAT, caps);
    if (!gst_pad_push_event(src_, gst_event_new_caps(caps)))
        return false;
    src_caps_.reset(gst_caps_ref(caps));
    return true;
}

void SizeguardStream::send_held()
{
    if (segment_event_)
        gst_pad_push_event(src_, segment_event_.release());
    for (EventPtr &event : std::exchange(held_, {}))
        gst_pad_push_event(src_, event.release());
}

} // namespace anime
