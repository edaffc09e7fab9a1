// SPDX-License-Identifier: LGPL-2.1-or-later
// The stream's buffers: pieces and images become frames. Events and caps are in stream_events.cpp.
#include "elements/sizeguard/stream.h"

#include <string_view>
#include <utility>
#include <vector>

#define GST_CAT_DEFAULT sizeguard_debug

namespace anime
{

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
    raw_.reset();
}

void SizeguardStream::forget_stream()
{
    guard_.reset();
    held_.clear();
    segment_event_.reset();
    gst_segment_init(&segment_, GST_FORMAT_TIME);
    byte_segment_ = true;
    failed_ = any_image_ = after_drop_ = false;
    const std::lock_guard guard(lock_);
    earliest_ = GST_CLOCK_TIME_NONE;
    proportion_ = 1;
}

/// As GstVideoDecoder: what is sticky outlives the flush, and still waits for the caps; nobody sends it
/// again.
void SizeguardStream::flush()
{
    std::vector<EventPtr> held = std::exchange(held_, {});
    forget_stream();
    std::erase_if(held, [](const EventPtr &event) {
        return (int{GST_EVENT_TYPE(event.get())} & int{GST_EVENT_TYPE_STICKY}) == 0;
    });
    held_ = std::move(held);
}

void SizeguardStream::late(GstClockTime running_time, GstClockTimeDiff jitter, double proportion)
{
    const std::lock_guard guard(lock_);
    proportion_ = proportion;
    // As GstBaseTransform does: what is late now will be later, so skip a little more.
    const GstClockTimeDiff ahead = jitter > 0 ? 2 * jitter : jitter;
    const bool before_start = ahead < 0 && static_cast<GstClockTime>(-ahead) > running_time;
    earliest_ = !GST_CLOCK_TIME_IS_VALID(running_time) ? GST_CLOCK_TIME_NONE
                : before_start                         ? 0
                                                       : running_time + ahead;
}

bool SizeguardStream::is_late(GstBuffer *buffer)
{
    if (!GST_BUFFER_PTS_IS_VALID(buffer) || !settings_.copy().qos)
        return false;
    const GstClockTime running_time =
        gst_segment_to_running_time(&segment_, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
    GstClockTime earliest;
    double proportion;
    {
        const std::lock_guard guard(lock_);
        earliest = earliest_;
        proportion = proportion_;
    }
    if (!GST_CLOCK_TIME_IS_VALID(earliest) || !GST_CLOCK_TIME_IS_VALID(running_time) ||
        running_time >= earliest)
        return false;

    GST_DEBUG_OBJECT(element_,
                     "dropped a frame of running time %" GST_TIME_FORMAT ", before %" GST_TIME_FORMAT,
                     GST_TIME_ARGS(running_time), GST_TIME_ARGS(earliest));
    after_drop_ = true;
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
    constexpr gint FULL_QUALITY = 1'000'000;
    gst_message_set_qos_values(message, GST_CLOCK_DIFF(running_time, earliest), proportion, FULL_QUALITY);
    gst_message_set_qos_stats(message, GST_FORMAT_BUFFERS, frames, dropped);
    gst_element_post_message(element_, message);
    return true;
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

    give_times(buffer);
    if (is_late(buffer.get()))
        return GST_FLOW_OK;
    const GstFlowReturn flow = add_piece(buffer.get());
    return flow == GST_FLOW_OK ? finish_image(buffer.get()) : flow;
}

void SizeguardStream::give_times(BufferPtr &image)
{
    const bool complete = GST_BUFFER_PTS_IS_VALID(image.get()) && GST_BUFFER_DURATION_IS_VALID(image.get());
    if (complete || framerate_n_ <= 0)
        return;
    image.reset(gst_buffer_make_writable(image.release()));
    if (!GST_BUFFER_DURATION_IS_VALID(image.get()))
        GST_BUFFER_DURATION(image.get()) = gst_util_uint64_scale(GST_SECOND, framerate_d_, framerate_n_);
    if (GST_BUFFER_PTS_IS_VALID(image.get()))
        return;
    GST_BUFFER_PTS(image.get()) =
        segment_.start + gst_util_uint64_scale(film_frames_ * GST_SECOND, framerate_d_, framerate_n_);
    ++film_frames_;
}

bool SizeguardStream::begin_image()
{
    any_image_ = true;
    spent_ = 0;
    image_settings_ = settings_.copy();
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
    begin_work();
    if (!guard_ && !begin_image())
        return GST_FLOW_ERROR;
    const MappedBuffer mapped(piece, GST_MAP_READ);
    if (!mapped)
        return fail({.code = "frame-invalid",
                     .message = "The data can't be read.",
                     .remedy = "Look for the fault in the element before sizeguard.",
                     .debug = "mapping the buffer failed"});
    const auto failure = guard_->feed({mapped.data(), mapped.size()});
    if (failure)
        return fail(*failure);
    end_work();
    return GST_FLOW_OK;
}

GstFlowReturn SizeguardStream::finish_image(GstBuffer *timing)
{
    begin_work();
    const auto failure = guard_->finish();
    return failure ? fail(*failure) : push_image(guard_->info(), timing);
}

bool SizeguardStream::end_image()
{
    if (failed_)
        return false;
    const GstFlowReturn flow = guard_ ? finish_image(nullptr) : GST_FLOW_OK;
    if (flow == GST_FLOW_OK || flow == GST_FLOW_EOS)
        return true;
    if (flow != GST_FLOW_FLUSHING && !failed_) {
        failed_ = true;
        GST_ELEMENT_FLOW_ERROR(element_, flow);
    }
    return false;
}

GstFlowReturn SizeguardStream::push_image(const ImageInfo &info, GstBuffer *timing)
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
                     .actual = GST_VIDEO_INFO_SIZE(&out)});
    {
        MappedFrame mapped(out, frame.get(), GST_MAP_WRITE);
        if (!mapped)
            return fail({.code = "frame-invalid",
                         .message = "The new frame can't be written.",
                         .debug = "mapping failed"});
        const auto failure = guard_->decode(
            {mapped.data(), mapped.width(), mapped.height(), mapped.stride(), mapped.pixel_stride()});
        if (failure)
            return fail(*failure);
    }
    const ImageInfo done = guard_->info();
    guard_.reset(); // what comes next in the pipeline needs the memory

    if (timing) {
        gst_buffer_copy_into(frame.get(), timing, GST_BUFFER_COPY_TIMESTAMPS, 0, -1);
        GST_BUFFER_FLAG_UNSET(frame.get(), GST_BUFFER_FLAG_DELTA_UNIT);
    } else {
        GST_BUFFER_PTS(frame.get()) = 0;
    }
    const GstClockTime decode_time = end_work();
    report(frame.get(), done, done.shrunk ? "shrunk" : "passed", decode_time, nullptr);
    return push(std::move(frame));
}

GstFlowReturn SizeguardStream::raw_frame(BufferPtr frame)
{
    if (raw_.depends_on(settings_.copy().limits)) {
        const bool scaled = raw_.scales();
        if (!set_raw_caps(raw_.in_caps()))
            return failed_ ? GST_FLOW_ERROR : GST_FLOW_NOT_NEGOTIATED;
        if (raw_.scales() != scaled) // then other memory is welcome
            gst_pad_push_event(sink_, gst_event_new_reconfigure());
    }
    spent_ = 0;
    begin_work();
    image_settings_ = settings_.copy();
    if (raw_.scales() && is_late(frame.get()))
        return GST_FLOW_OK;
    if (auto failure = raw_.bound(frame))
        return fail(*failure);
    end_work();
    report(frame.get(), raw_.info(), raw_.scales() ? "shrunk" : "passed", 0, nullptr);
    return push(std::move(frame));
}

void SizeguardStream::begin_work()
{
    work_.emplace();
}

GstClockTime SizeguardStream::end_work()
{
    const GstClockTime time = work_ ? work_->ns() : 0;
    work_.reset();
    spent_ += time;
    return time;
}

GstFlowReturn SizeguardStream::push(BufferPtr frame)
{
    if (std::exchange(after_drop_, false)) {
        frame.reset(gst_buffer_make_writable(frame.release()));
        GST_BUFFER_FLAG_SET(frame.get(), GST_BUFFER_FLAG_DISCONT);
    }
    return gst_pad_push(src_, frame.release());
}

void SizeguardStream::give_up(const Failure &failure)
{
    failed_ = true;
    guard_.reset();
    reporter_.failed();
    post_failure(element_, failure);
}

GstFlowReturn SizeguardStream::fail(const Failure &failure)
{
    if (failure.code == "cancelled") {
        GST_DEBUG_OBJECT(element_, "gave the image in work up: stopping or flushing");
        guard_.reset();
        return GST_FLOW_FLUSHING;
    }
    failed_ = true;
    reporter_.failed();
    const GstClockTime time = end_work();
    const ImageInfo info = guard_ ? guard_->info() : mode_ == Mode::raw ? raw_.info() : ImageInfo{};
    const bool decoding = guard_ && info.width != 0;
    guard_.reset();
    report(nullptr, info, "rejected", decoding ? time : 0, &failure);
    post_failure(element_, failure);
    return GST_FLOW_ERROR;
}

void SizeguardStream::report(GstBuffer *buffer, const ImageInfo &info, const char *verdict,
                             GstClockTime decode_time, const Failure *failure)
{
    count(verdict, info);
    if (failure)
        GST_INFO_OBJECT(element_, "rejected a %s of %ux%u, %" G_GUINT64_FORMAT " bytes: %s, %s",
                        info.format.c_str(), info.source_width, info.source_height, guint64{info.bytes},
                        failure->code.c_str(), failure->debug.c_str());
    else
        GST_LOG_OBJECT(element_,
                       "%s a %s of %ux%u to %ux%u, %" G_GUINT64_FORMAT " bytes, in %" GST_TIME_FORMAT
                       " with %" GST_TIME_FORMAT " of waiting for memory",
                       verdict, info.format.c_str(), info.source_width, info.source_height, info.width,
                       info.height, guint64{info.bytes}, GST_TIME_ARGS(spent_), GST_TIME_ARGS(info.waited));
    if (*info.colours.fault)
        GST_INFO_OBJECT(element_, "what the %s says of its colours can't be used: %s; they are taken for %s",
                        info.format.c_str(), info.colours.fault, info.colours.source);
    GstStructure *message = FrameReporter::new_message("sizeguard", &segment_, buffer, spent_);
    gst_structure_set(
        message, "format", G_TYPE_STRING, info.format.c_str(), "source-width", G_TYPE_INT,
        static_cast<int>(info.source_width), "source-height", G_TYPE_INT,
        static_cast<int>(info.source_height), "channels", G_TYPE_INT, static_cast<int>(info.channels),
        "bytes", G_TYPE_UINT64, guint64{info.bytes}, "orientation", G_TYPE_INT, info.orientation, "width",
        G_TYPE_INT, static_cast<int>(info.width), "height", G_TYPE_INT, static_cast<int>(info.height),
        "decode-time", G_TYPE_UINT64, guint64{decode_time}, "wait-time", G_TYPE_UINT64, guint64{info.waited},
        "colours", G_TYPE_STRING, info.colours.source, "verdict", G_TYPE_STRING, verdict, nullptr);
    if (*info.colours.fault)
        gst_structure_set(message, "colour-fault", G_TYPE_STRING, info.colours.fault, nullptr);
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

} // namespace anime
