// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/common/report.h"

#include "models/error.h"

#include <algorithm>
#include <new>
#include <string_view>

namespace anime
{

namespace
{

struct ErrorNumber {
    GQuark domain;
    gint code;
};

ErrorNumber number_of(std::string_view code)
{
#define ANIME_ERROR(name, domain, number, status, sentence)                                                  \
    if (code == (name))                                                                                      \
        return {GST_##domain##_ERROR, GST_##domain##_ERROR_##number};
#include "elements/common/errors.def"
#undef ANIME_ERROR
    return {GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED};
}

void post_details(GstElement *element, GstMessageType type, const Failure &failure)
{
    GstStructure *details = gst_structure_new("details", "code", G_TYPE_STRING, failure.code.c_str(),
                                              "remedy", G_TYPE_STRING, failure.remedy.c_str(), "element",
                                              G_TYPE_STRING, G_OBJECT_TYPE_NAME(element), nullptr);
    if (failure.limit)
        gst_structure_set(details, "limit", G_TYPE_UINT64, guint64{*failure.limit}, nullptr);
    if (failure.actual)
        gst_structure_set(details, "actual", G_TYPE_UINT64, guint64{*failure.actual}, nullptr);

    const std::string text =
        failure.remedy.empty() ? failure.message : failure.message + " " + failure.remedy;
    const auto [domain, number] = number_of(failure.code);
    // Takes both strings and the details.
    gst_element_message_full_with_details(
        element, type, domain, number, g_strdup(text.c_str()),
        g_strdup_printf("%s: %s", failure.code.c_str(), failure.debug.c_str()), __FILE__, GST_FUNCTION,
        __LINE__, details);
}

} // namespace

Failure current_failure()
{
    try {
        throw;
    } catch (const Error &error) {
        return {.code = error.code(), .message = error.what(), .remedy = error.remedy()};
    } catch (const std::bad_alloc &error) {
        return {.code = "out-of-memory",
                .message = "There is not enough memory for this picture.",
                .remedy = "Use a smaller picture, or set max-dimension.",
                .debug = error.what()};
    } catch (const std::exception &error) {
        return {.code = "internal", .message = "Something unexpected went wrong.", .debug = error.what()};
    } catch (...) {
        return {.code = "internal", .message = "Something unexpected went wrong.", .debug = "no description"};
    }
}

void post_failure(GstElement *element, const Failure &failure)
{
    post_details(element, GST_MESSAGE_ERROR, failure);
}

void post_warning(GstElement *element, const Failure &failure)
{
    post_details(element, GST_MESSAGE_WARNING, failure);
}

GstStructure *FrameReporter::new_message(const char *name, const GstSegment *segment, GstBuffer *buffer,
                                         GstClockTime processing_time)
{
    const GstClockTime timestamp = buffer ? GST_BUFFER_PTS(buffer) : GST_CLOCK_TIME_NONE;
    const GstClockTime duration = buffer ? GST_BUFFER_DURATION(buffer) : GST_CLOCK_TIME_NONE;
    GstClockTime stream_time = GST_CLOCK_TIME_NONE;
    GstClockTime running_time = GST_CLOCK_TIME_NONE;
    if (segment && segment->format == GST_FORMAT_TIME && GST_CLOCK_TIME_IS_VALID(timestamp)) {
        stream_time = gst_segment_to_stream_time(segment, GST_FORMAT_TIME, timestamp);
        running_time = gst_segment_to_running_time(segment, GST_FORMAT_TIME, timestamp);
    }
    return gst_structure_new(name, "timestamp", G_TYPE_UINT64, timestamp, "stream-time", G_TYPE_UINT64,
                             stream_time, "running-time", G_TYPE_UINT64, running_time, "duration",
                             G_TYPE_UINT64, duration, "processing-time", G_TYPE_UINT64, processing_time,
                             nullptr);
}

void FrameReporter::frame(GstElement *element, GstStructure *message, GstClockTime interval,
                          GstClockTime stay)
{
    guint64 running_time = GST_CLOCK_TIME_NONE;
    guint64 processing_time = 0;
    gst_structure_get_uint64(message, "running-time", &running_time);
    gst_structure_get_uint64(message, "processing-time", &processing_time);

    bool post = true;
    bool ask_again = false;
    {
        const std::lock_guard guard(lock_);
        measure_latency(std::max(GstClockTime{processing_time}, stay));
        ++frames_;
        total_ += processing_time;
        max_ = std::max(max_, GstClockTime{processing_time});
        last_ = processing_time;
        if (interval != 0 && GST_CLOCK_TIME_IS_VALID(running_time) && GST_CLOCK_TIME_IS_VALID(last_posted_) &&
            running_time > last_posted_)
            post = running_time - last_posted_ >= interval;
        if (post)
            last_posted_ = running_time;
        const GstClockTime now = slowest();
        const GstClockTime moved = now > announced_ ? now - announced_ : announced_ - now;
        if (live_ && moved > 2 * GST_MSECOND && moved > announced_ / 4) {
            announced_ = now; // one message for one change; the answer to it sets this again
            ask_again = true;
        }
    }
    if (ask_again)
        gst_element_post_message(element, gst_message_new_latency(GST_OBJECT(element)));
    if (post)
        gst_element_post_message(element, gst_message_new_element(GST_OBJECT(element), message));
    else
        gst_structure_free(message);
}

void FrameReporter::measure_latency(GstClockTime stay)
{
    if (warming_up_) {
        warming_up_ = false;
        return;
    }
    slowest_now_ = std::max(slowest_now_, stay);
    if (++measured_ == stretch) {
        slowest_before_ = slowest_now_;
        slowest_now_ = 0;
        measured_ = 0;
    }
}

GstClockTime FrameReporter::slowest() const
{
    return std::max({slowest_now_, slowest_before_, least_latency_});
}

GstClockTime FrameReporter::last_processing_time() const
{
    const std::lock_guard guard(lock_);
    return last_;
}

void FrameReporter::quality_changed(GstElement *element, const GstSegment &segment, GstBuffer *buffer,
                                    double quality, double proportion, GstClockTime budget)
{
    const GstClockTime timestamp = GST_BUFFER_PTS(buffer);
    const auto in_segment = [&](auto convert) {
        return segment.format == GST_FORMAT_TIME && GST_CLOCK_TIME_IS_VALID(timestamp)
                   ? convert(&segment, GST_FORMAT_TIME, timestamp)
                   : GST_CLOCK_TIME_NONE;
    };
    GstMessage *message;
    {
        const std::lock_guard guard(lock_);
        slowest_now_ = budget;
        slowest_before_ = 0;
        measured_ = 0;
        warming_up_ = true;
        message = gst_message_new_qos(GST_OBJECT(element), live_, in_segment(gst_segment_to_running_time),
                                      in_segment(gst_segment_to_stream_time), timestamp,
                                      GST_BUFFER_DURATION(buffer));
        gst_message_set_qos_stats(message, GST_FORMAT_BUFFERS, frames_, dropped_);
    }
    gst_message_set_qos_values(message, 0, proportion, static_cast<gint>(quality * 1'000'000));
    gst_element_post_message(element, message);
}

bool FrameReporter::is_live() const
{
    const std::lock_guard guard(lock_);
    return live_;
}

void FrameReporter::warm_up()
{
    const std::lock_guard guard(lock_);
    warming_up_ = true;
}

void FrameReporter::set_least_latency(GstClockTime latency)
{
    const std::lock_guard guard(lock_);
    least_latency_ = latency;
}

void FrameReporter::dropped(unsigned frames)
{
    const std::lock_guard guard(lock_);
    dropped_ += frames;
}

void FrameReporter::failed()
{
    const std::lock_guard guard(lock_);
    ++errors_;
}

void FrameReporter::reset()
{
    const std::lock_guard guard(lock_);
    frames_ = dropped_ = errors_ = 0;
    total_ = max_ = last_ = announced_ = 0;
    slowest_now_ = slowest_before_ = least_latency_ = 0;
    measured_ = 0;
    warming_up_ = true;
    live_ = false;
    last_posted_ = GST_CLOCK_TIME_NONE;
}

GstClockTime FrameReporter::latency() const
{
    const std::lock_guard guard(lock_);
    return slowest();
}

bool FrameReporter::answer_latency(GstPad *sink, GstQuery *query)
{
    if (!gst_pad_peer_query(sink, query))
        return false;
    gboolean live = FALSE;
    GstClockTime min = 0;
    GstClockTime max = GST_CLOCK_TIME_NONE;
    gst_query_parse_latency(query, &live, &min, &max);

    const std::lock_guard guard(lock_);
    live_ = live;
    announced_ = slowest();
    gst_query_set_latency(query, live, min + announced_,
                          GST_CLOCK_TIME_IS_VALID(max) ? max + announced_ : GST_CLOCK_TIME_NONE);
    return true;
}

GstStructure *FrameReporter::stats(const char *name) const
{
    const std::lock_guard guard(lock_);
    const guint64 mean = frames_ ? total_ / frames_ : 0;
    return gst_structure_new(name, "frames", G_TYPE_UINT64, guint64{frames_}, "dropped", G_TYPE_UINT64,
                             guint64{dropped_}, "errors", G_TYPE_UINT64, guint64{errors_},
                             "processing-time-total", G_TYPE_UINT64, total_, "processing-time-mean",
                             G_TYPE_UINT64, mean, "processing-time-max", G_TYPE_UINT64, max_,
                             "processing-time-last", G_TYPE_UINT64, last_, nullptr);
}

} // namespace anime
