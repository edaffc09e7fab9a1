// SPDX-License-Identifier: LGPL-2.1-or-later
// What an application reads of the elements' errors, messages and statistics.
#include "models/error.h"
#include "report_fixture.h"

#include <gtest/gtest.h>

#include <new>
#include <string>

namespace anime
{
namespace
{

// Each code has one error domain and number, so that applications that only know GStreamer's can tell them
// apart.
TEST_F(Report, FailureCodesMapToGStreamerErrors)
{
    struct Case {
        const char *code;
        GQuark domain;
        gint number;
    };
    const Case cases[] = {
        {"size-bytes", GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT},
        {"size-pixels", GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT},
        {"format-unsupported", GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE},
        {"image-truncated", GST_STREAM_ERROR, GST_STREAM_ERROR_DECODE},
        {"image-corrupt", GST_STREAM_ERROR, GST_STREAM_ERROR_DECODE},
        {"model-missing", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND},
        {"model-invalid", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ},
        {"model-unsupported", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ},
        {"out-of-memory", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT},
        {"executor-missing", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS},
        {"device-missing", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS},
        {"device-lost", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_FAILED},
        {"precision-unsupported", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS},
        {"internal", GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED},
    };
    for (const Case &c : cases) {
        SCOPED_TRACE(c.code);
        post_failure(element_.get(), {.code = c.code, .message = "What happened."});
        const MessagePtr message = pop(GST_MESSAGE_ERROR);
        ASSERT_TRUE(message);
        GError *error = nullptr;
        gst_message_parse_error(message.get(), &error, nullptr);
        const ErrorPtr owned(error);
        EXPECT_EQ(error->domain, c.domain);
        EXPECT_EQ(error->code, c.number);
    }
}

// The sentence and the remedy are the text, everything else is in the details.
TEST_F(Report, FailureCarriesCodeRemedyElementLimitAndActual)
{
    post_failure(element_.get(), {.code = "size-bytes",
                                  .message = "The file has 6 bytes, 5 are allowed.",
                                  .remedy = "Raise max-bytes.",
                                  .debug = "seen at byte 6",
                                  .limit = 5,
                                  .actual = 6});
    const MessagePtr message = pop(GST_MESSAGE_ERROR);
    ASSERT_TRUE(message);

    GError *error = nullptr;
    gchar *debug = nullptr;
    gst_message_parse_error(message.get(), &error, &debug);
    const ErrorPtr owned(error);
    const StringPtr owned_debug(debug);
    EXPECT_STREQ(error->message, "The file has 6 bytes, 5 are allowed. Raise max-bytes.");
    EXPECT_NE(std::string(debug).find("size-bytes: seen at byte 6"), std::string::npos);

    const GstStructure *details = nullptr;
    gst_message_parse_error_details(message.get(), &details);
    ASSERT_TRUE(details);
    EXPECT_STREQ(gst_structure_get_string(details, "code"), "size-bytes");
    EXPECT_STREQ(gst_structure_get_string(details, "remedy"), "Raise max-bytes.");
    EXPECT_STREQ(gst_structure_get_string(details, "element"), "GstBin");
    EXPECT_EQ(field(details, "limit"), 5U);
    EXPECT_EQ(field(details, "actual"), 6U);
}

TEST_F(Report, FailureWithoutNumbersHasNoLimit)
{
    post_failure(element_.get(), {.code = "image-corrupt", .message = "Broken."});
    const MessagePtr message = pop(GST_MESSAGE_ERROR);
    const GstStructure *details = nullptr;
    gst_message_parse_error_details(message.get(), &details);
    EXPECT_FALSE(gst_structure_has_field(details, "limit"));
    EXPECT_FALSE(gst_structure_has_field(details, "actual"));
}

template <typename Exception>
Failure failure_of(Exception &&exception)
{
    try {
        throw std::forward<Exception>(exception);
    } catch (...) {
        return current_failure();
    }
}

// Every exception becomes a failure with a code; nothing is rethrown.
TEST(CurrentFailure, KeepsWhatTheExceptionKnows)
{
    const Failure known = failure_of(Error("model-missing", "No model.", "Fetch it."));
    EXPECT_EQ(known.code, "model-missing");
    EXPECT_EQ(known.message, "No model.");
    EXPECT_EQ(known.remedy, "Fetch it.");
    EXPECT_EQ(failure_of(std::bad_alloc()).code, "out-of-memory");
    const Failure unknown = failure_of(std::runtime_error("why"));
    EXPECT_EQ(unknown.code, "internal");
    EXPECT_EQ(unknown.debug, "why");
    EXPECT_EQ(failure_of(42).code, "internal");
}

// A frame's message has its times, in the segment that it belongs to.
TEST_F(Report, MessageHasTheTimesOfTheBuffer)
{
    segment_->start = 1 * GST_SECOND;
    segment_->time = 10 * GST_SECOND;
    segment_->base = 100 * GST_SECOND;
    frame(3 * GST_SECOND, 7 * GST_MSECOND, 0);

    const MessagePtr message = pop(GST_MESSAGE_ELEMENT);
    ASSERT_TRUE(message);
    const GstStructure *fields = gst_message_get_structure(message.get());
    EXPECT_STREQ(gst_structure_get_name(fields), "filter");
    EXPECT_EQ(field(fields, "timestamp"), 3 * GST_SECOND);
    EXPECT_EQ(field(fields, "stream-time"), 12 * GST_SECOND);
    EXPECT_EQ(field(fields, "running-time"), 102 * GST_SECOND);
    EXPECT_EQ(field(fields, "duration"), 40 * GST_MSECOND);
    EXPECT_EQ(field(fields, "processing-time"), 7 * GST_MSECOND);
}

// One still after the other has no timestamp, or the same one (sizeguard's is 0): no time passes between
// them, and each is posted whatever the interval.
TEST_F(Report, StillsAreAlwaysPosted)
{
    for (const GstClockTime pts : {GST_CLOCK_TIME_NONE, GstClockTime{0}}) {
        for (int i = 0; i < 3; ++i) {
            frame(pts, 1, GST_SECOND);
            const MessagePtr message = pop(GST_MESSAGE_ELEMENT);
            ASSERT_TRUE(message);
            EXPECT_EQ(field(gst_message_get_structure(message.get()), "running-time"), pts);
        }
    }
}

TEST_F(Report, IntervalLimitsMessagesByRunningTime)
{
    struct Case {
        GstClockTime pts;
        bool posted;
    };
    // The last one went back in time (a seek): posted, and the count starts over.
    const Case cases[] = {{0, true},    {40, false}, {99, false}, {100, true},
                          {199, false}, {250, true}, {20, true}};
    for (const Case &c : cases) {
        SCOPED_TRACE(c.pts);
        frame(c.pts * GST_MSECOND, 1, 100 * GST_MSECOND);
        EXPECT_EQ(pop(GST_MESSAGE_ELEMENT) != nullptr, c.posted);
    }
}

TEST_F(Report, StatsCountEveryFrameAlsoThoseNotPosted)
{
    frame(0, 10, GST_SECOND);
    frame(1, 30, GST_SECOND);
    frame(2, 20, GST_SECOND);
    reporter_.dropped();
    reporter_.dropped();
    reporter_.failed();

    StructurePtr stats(reporter_.stats("stats"));
    EXPECT_EQ(field(stats.get(), "frames"), 3U);
    EXPECT_EQ(field(stats.get(), "dropped"), 2U);
    EXPECT_EQ(field(stats.get(), "errors"), 1U);
    EXPECT_EQ(field(stats.get(), "processing-time-total"), 60U);
    EXPECT_EQ(field(stats.get(), "processing-time-mean"), 20U);
    EXPECT_EQ(field(stats.get(), "processing-time-max"), 30U);
    EXPECT_EQ(field(stats.get(), "processing-time-last"), 20U);

    reporter_.reset();
    stats.reset(reporter_.stats("stats"));
    for (const char *name : {"frames", "dropped", "errors", "processing-time-mean", "processing-time-max"})
        EXPECT_EQ(field(stats.get(), name), 0U);
}

} // namespace
} // namespace anime
