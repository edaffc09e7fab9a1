// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/sizeguard/stream.h"

#include <string_view>
#include <utility>

namespace anime
{

namespace
{

constexpr const char *ENCODED_CAPS = "image/jpeg; image/png; image/webp";

GstClockTime now()
{
    return gst_util_get_timestamp();
}

Failure unsupported_downstream(const std::string &offered)
{
    return {.code = "caps-unsupported",
            .message = "The next element does not take " + offered + ".",
            .remedy = "Put videoconvert behind sizeguard, and imagefreeze where a frame rate is asked for.",
            .debug = "no common caps",
            .limit = {},
            .actual = {}};
}

} // namespace

bool SizeguardStream::set_property(guint id, const GValue *value)
{
    const std::lock_guard guard(lock_);
    return set_sizeguard_property(settings_, id, value);
}

bool SizeguardStream::get_property(guint id, GValue *value) const
{
    return get_sizeguard_property(settings(), id, value);
}

SizeguardSettings SizeguardStream::settings() const
{
    const std::lock_guard guard(lock_);
    return settings_;
}

GstStructure *SizeguardStream::stats() const
{
    GstStructure *stats = reporter_.stats("sizeguard");
    const std::lock_guard guard(lock_);
    gst_structure_set(stats, "passed", G_TYPE_UINT64, guint64{passed_}, "shrunk", G_TYPE_UINT64,
                      guint64{shrunk_}, "rejected", G_TYPE_UINT64, guint64{rejected_}, "bytes", G_TYPE_UINT64,
                      guint64{bytes_}, nullptr);
    return stats;
}

void SizeguardStream::reset()
{
    cancellation_.set_flushing(false);
    reporter_.reset();
    release();
    mode_ = Mode::pieces;
    parsed_caps_ = false;
    const std::lock_guard guard(lock_);
    passed_ = shrunk_ = rejected_ = bytes_ = 0;
}

void SizeguardStream::release()
{
    forget_stream();
    src_caps_.reset();
    raw_in_caps_.reset();
    scaler_.reset();
}

void SizeguardStream::forget_stream()
{
    guard_.reset();
    held_.clear();
    segment_event_.reset();
    gst_segment_init(&segment_, GST_FORMAT_TIME);
    byte_segment_ = true;
    failed_ = any_image_ = false;
    const std::lock_guard guard(lock_);
    earliest_ = GST_CLOCK_TIME_NONE;
}

void SizeguardStream::late(GstClockTime running_time, GstClockTimeDiff jitter)
{
    const std::lock_guard guard(lock_);
    // As GstBaseTransform does: what is late now will be later, so skip a little more.
    const GstClockTimeDiff ahead = jitter > 0 ? 2 * jitter : jitter;
    const bool before_start = ahead < 0 && static_cast<GstClockTime>(-ahead) > running_time;
    earliest_ = !GST_CLOCK_TIME_IS_VALID(running_time) ? GST_CLOCK_TIME_NONE
                : before_start                         ? 0
                                                       : running_time + ahead;
}

bool SizeguardStream::is_late(GstBuffer *buffer)
{
    if (!GST_BUFFER_PTS_IS_VALID(buffer))
        return false;
    const GstClockTime running_time =
        gst_segment_to_running_time(&segment_, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
    GstClockTime earliest;
    {
        const std::lock_guard guard(lock_);
        if (!settings_.qos)
            return false;
        earliest = earliest_;
    }
    if (!GST_CLOCK_TIME_IS_VALID(earliest) || !GST_CLOCK_TIME_IS_VALID(running_time) ||
        running_time >= earliest)
        return false;

    reporter_.dropped();
    GstStructure *stats = reporter_.stats("stats");
    guint64 frames = 0;
    guint64 dropped = 0;
    gst_structure_get_uint64(stats, "frames", &frames);
    gst_structure_get_uint64(stats, "dropped", &dropped);
    gst_structure_free(stats);
    GstMessage *message =
        gst_message_new_qos(GST_OBJECT(element_), FALSE, running_time,
                            gst_segment_to_stream_time(&segment_, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer)),
                            GST_BUFFER_PTS(buffer), GST_BUFFER_DURATION(buffer));
    gst_message_set_qos_stats(message, GST_FORMAT_BUFFERS, frames, dropped);
    gst_element_post_message(element_, message);
    return true;
}

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
        forget_stream();
        return gst_pad_push_event(src_, event.release());
    case GST_EVENT_STREAM_START:
        if (guard_)
            finish_image(nullptr);
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
        if (guard_)
            finish_image(nullptr);
        set_segment(std::move(event));
        return true;
    case GST_EVENT_TAG:
        event = without_orientation(std::move(event));
        return !event || forward_or_hold(event.release());
    case GST_EVENT_EOS:
        if (failed_)
            return false;
        if (mode_ != Mode::raw && (guard_ || !any_image_)) {
            if (!guard_)
                begin_image(); // fails: there is no data
            if (finish_image(nullptr) != GST_FLOW_OK)
                return false;
        }
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
        !settings().limits.auto_rotate)
        return event;
    GstTagList *rest = gst_tag_list_copy(tags);
    gst_tag_list_remove_tag(rest, GST_TAG_IMAGE_ORIENTATION);
    if (gst_tag_list_is_empty(rest)) {
        gst_tag_list_unref(rest);
        return nullptr;
    }
    return EventPtr(gst_event_new_tag(rest));
}

bool SizeguardStream::set_caps(GstCaps *caps)
{
    if (guard_)
        finish_image(nullptr);
    const GstStructure *structure = gst_caps_get_structure(caps, 0);
    // After a failure of ours the next buffer gets GST_FLOW_ERROR: "not negotiated" would hide the reason.
    if (gst_structure_has_name(structure, "video/x-raw"))
        return set_raw_caps(caps) || failed_;

    raw_in_caps_.reset();
    scaler_.reset();
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
    raw_in_caps_.reset(gst_caps_ref(caps));
    scaler_.reset();
    image_settings_ = settings();
    const Limits &limits = image_settings_.limits;
    if (!gst_video_info_from_caps(&raw_info_, caps)) {
        fail({.code = "format-unsupported",
              .message = "This raw video format is not known.",
              .remedy = "Put videoconvert before sizeguard.",
              .debug = StringPtr(gst_caps_to_string(caps)).get(),
              .limit = {},
              .actual = {}});
        return false;
    }
    const Size size{static_cast<unsigned>(raw_info_.width), static_cast<unsigned>(raw_info_.height)};
    if (auto failure = check_picture_size(size, limits)) {
        fail(*failure);
        return false;
    }
    const Size bounded = bounded_size(size, limits.max_dimension);
    if (bounded != size)
        scaler_ = std::make_unique<RawScaler>(raw_info_, caps, bounded);
    GstCaps *out = scaler_ ? scaler_->out_caps() : caps;
    if (!accepted_downstream(out)) {
        fail(unsupported_downstream(StringPtr(gst_caps_to_string(out)).get()));
        return false;
    }
    const bool sent = send_caps(out);
    send_held();
    return sent;
}

void SizeguardStream::set_segment(EventPtr event)
{
    gst_event_copy_segment(event.get(), &segment_);
    byte_segment_ = segment_.format == GST_FORMAT_BYTES;
    if (segment_.format != GST_FORMAT_TIME) {
        gst_segment_init(&segment_, GST_FORMAT_TIME);
        event.reset(gst_event_new_segment(&segment_));
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

GstFlowReturn SizeguardStream::buffer(GstBuffer *raw_buffer)
{
    BufferPtr buffer(raw_buffer);
    if (failed_)
        return GST_FLOW_ERROR;
    if (mode_ == Mode::raw)
        return raw_frame(std::move(buffer));
    if (mode_ == Mode::pieces)
        return add_piece(buffer.get());

    if (is_late(buffer.get()))
        return GST_FLOW_OK;
    const GstFlowReturn flow = add_piece(buffer.get());
    return flow == GST_FLOW_OK ? finish_image(buffer.get()) : flow;
}

bool SizeguardStream::begin_image()
{
    any_image_ = true;
    spent_ = 0;
    image_settings_ = settings();
    guard_ = std::make_unique<ImageGuard>(image_settings_.limits, cancellation_);
    gint64 bytes = 0;
    if (mode_ != Mode::pieces || !gst_pad_peer_query_duration(sink_, GST_FORMAT_BYTES, &bytes) || bytes <= 0)
        return true;
    const auto failure = guard_->announce(static_cast<std::uint64_t>(bytes));
    if (failure)
        fail(*failure);
    return !failure;
}

GstFlowReturn SizeguardStream::add_piece(GstBuffer *piece)
{
    const GstClockTime begin = now();
    if (!guard_ && !begin_image())
        return GST_FLOW_ERROR;
    const MappedBuffer mapped(piece, GST_MAP_READ);
    if (!mapped)
        return fail({.code = "frame-invalid",
                     .message = "The data can't be read.",
                     .remedy = "Look for the fault in the element before sizeguard.",
                     .debug = "mapping the buffer failed",
                     .limit = {},
                     .actual = {}});
    const auto failure = guard_->feed({mapped.data(), mapped.size()});
    spent_ += now() - begin;
    return failure ? fail(*failure) : GST_FLOW_OK;
}

GstFlowReturn SizeguardStream::finish_image(GstBuffer *timing)
{
    if (failed_)
        return GST_FLOW_ERROR;
    const GstClockTime begin = now();
    const auto failure = guard_->finish();
    return failure ? fail(*failure) : push_image(guard_->info(), timing, begin);
}

GstFlowReturn SizeguardStream::push_image(const ImageInfo &info, GstBuffer *timing, GstClockTime begin)
{
    GstVideoInfo out;
    if (!negotiate(info, out))
        return failed_                     ? GST_FLOW_ERROR
               : GST_PAD_IS_FLUSHING(src_) ? GST_FLOW_FLUSHING
                                           : GST_FLOW_NOT_NEGOTIATED;

    BufferPtr frame(gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&out), nullptr));
    if (!frame)
        return fail({.code = "out-of-memory",
                     .message = "There is not enough memory for the picture.",
                     .remedy = "Try again later, or lower max-dimension.",
                     .debug = "gst_buffer_new_allocate",
                     .limit = {},
                     .actual = GST_VIDEO_INFO_SIZE(&out)});
    {
        MappedFrame mapped(out, frame.get(), GST_MAP_WRITE);
        if (!mapped)
            return fail({.code = "frame-invalid",
                         .message = "The new frame can't be written.",
                         .remedy = {},
                         .debug = "mapping failed",
                         .limit = {},
                         .actual = {}});
        const auto failure = guard_->decode(
            {mapped.data(), mapped.width(), mapped.height(), mapped.stride(), mapped.pixel_stride()});
        if (failure)
            return fail(*failure);
    }
    guard_.reset(); // what comes next in the pipeline needs the memory

    if (timing) {
        gst_buffer_copy_into(frame.get(), timing, GST_BUFFER_COPY_TIMESTAMPS, 0, -1);
        GST_BUFFER_FLAG_UNSET(frame.get(), GST_BUFFER_FLAG_DELTA_UNIT);
    } else {
        GST_BUFFER_PTS(frame.get()) = 0;
    }
    const GstClockTime decode_time = now() - begin;
    spent_ += decode_time;
    report(frame.get(), info, info.shrunk ? "shrunk" : "passed", decode_time, nullptr);
    return gst_pad_push(src_, frame.release());
}

GstFlowReturn SizeguardStream::raw_frame(BufferPtr frame)
{
    const Limits limits = settings().limits;
    const Limits &applied = image_settings_.limits;
    if (limits.max_dimension != applied.max_dimension || limits.reject_oversize != applied.reject_oversize ||
        limits.max_source_pixels != applied.max_source_pixels) {
        const CapsPtr caps(raw_in_caps_.release());
        if (!caps || !set_raw_caps(caps.get()))
            return failed_ ? GST_FLOW_ERROR : GST_FLOW_NOT_NEGOTIATED;
    }
    const GstClockTime begin = now();
    image_settings_ = settings();
    if (scaler_) {
        if (is_late(frame.get()))
            return GST_FLOW_OK;
        BufferPtr scaled = scaler_->scale(frame.get());
        if (!scaled)
            return fail(
                {.code = "frame-invalid",
                 .message = "A frame is smaller than its format says, or there is no memory to scale it.",
                 .remedy = "Look for the fault in the element before sizeguard.",
                 .debug = "mapping or allocation failed",
                 .limit = GST_VIDEO_INFO_SIZE(&raw_info_),
                 .actual = gst_buffer_get_size(frame.get())});
        frame = std::move(scaled);
    }
    ImageInfo info;
    info.format = GST_VIDEO_INFO_NAME(&raw_info_);
    info.source_width = raw_info_.width;
    info.source_height = raw_info_.height;
    info.channels = GST_VIDEO_INFO_N_COMPONENTS(&raw_info_);
    const Size out =
        bounded_size({info.source_width, info.source_height}, image_settings_.limits.max_dimension);
    info.width = out.width;
    info.height = out.height;
    spent_ = now() - begin;
    report(frame.get(), info, scaler_ ? "shrunk" : "passed", 0, nullptr);
    return gst_pad_push(src_, frame.release());
}

GstFlowReturn SizeguardStream::fail(const Failure &failure)
{
    if (failure.code == "cancelled") {
        guard_.reset();
        return GST_FLOW_FLUSHING;
    }
    failed_ = true;
    reporter_.failed();
    ImageInfo info = guard_ ? guard_->info() : ImageInfo{};
    guard_.reset();
    report(nullptr, info, "rejected", 0, &failure);
    post_failure(element_, failure);
    return GST_FLOW_ERROR;
}

void SizeguardStream::report(GstBuffer *buffer, const ImageInfo &info, const char *verdict,
                             GstClockTime decode_time, const Failure *failure)
{
    count(verdict, info);
    GstStructure *message = FrameReporter::new_message("sizeguard", &segment_, buffer, spent_);
    gst_structure_set(
        message, "format", G_TYPE_STRING, info.format.c_str(), "source-width", G_TYPE_INT,
        static_cast<int>(info.source_width), "source-height", G_TYPE_INT,
        static_cast<int>(info.source_height), "channels", G_TYPE_INT, static_cast<int>(info.channels),
        "bytes", G_TYPE_UINT64, guint64{info.bytes}, "orientation", G_TYPE_INT, info.orientation, "width",
        G_TYPE_INT, static_cast<int>(info.width), "height", G_TYPE_INT, static_cast<int>(info.height),
        "decode-time", G_TYPE_UINT64, guint64{decode_time}, "verdict", G_TYPE_STRING, verdict, nullptr);
    if (!failure) {
        reporter_.frame(element_, message, image_settings_.message_interval);
        return;
    }
    gst_structure_set(message, "code", G_TYPE_STRING, failure->code.c_str(), nullptr);
    gst_element_post_message(element_, gst_message_new_element(GST_OBJECT(element_), message));
}

void SizeguardStream::count(const char *verdict, const ImageInfo &info)
{
    const std::lock_guard guard(lock_);
    const std::string_view what(verdict);
    ++(what == "passed" ? passed_ : what == "shrunk" ? shrunk_ : rejected_);
    bytes_ += info.bytes;
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
    src_caps_.reset(gst_caps_ref(caps));
    return gst_pad_push_event(src_, gst_event_new_caps(caps));
}

void SizeguardStream::send_held()
{
    if (segment_event_)
        gst_pad_push_event(src_, segment_event_.release());
    for (EventPtr &event : std::exchange(held_, {}))
        gst_pad_push_event(src_, event.release());
}

} // namespace anime
