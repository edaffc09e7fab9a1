// SPDX-License-Identifier: LGPL-2.1-or-later
// What an application reads of the elements' errors, messages, statistics and latency.
#include "elements/common/gst_raii.h"
#include "elements/common/report.h"
#include "models/error.h"

#include <gtest/gtest.h>

#include <new>
#include <string>

namespace anime
{
namespace
{

using BusPtr = std::unique_ptr<GstBus, Release<gst_object_unref>>;

/// An element without behaviour, and a bus that keeps what it posts.
class Report : public ::testing::Test
{
protected:
    void SetUp() override
    {
        element_.reset(gst_bin_new("bin"));
        bus_.reset(gst_bus_new());
        gst_element_set_bus(element_.get(), bus_.get());
        segment_ = gst_segment_new();
        gst_segment_init(segment_, GST_FORMAT_TIME);
    }
    void TearDown() override
    {
        gst_element_set_bus(element_.get(), nullptr);
        gst_segment_free(segment_);
    }

    MessagePtr pop(GstMessageType type) { return MessagePtr(gst_bus_pop_filtered(bus_.get(), type)); }

    /// Reports one frame at `pts` that took `time`.
    void frame(GstClockTime pts, GstClockTime time, GstClockTime interval)
    {
        const BufferPtr buffer(gst_buffer_new());
        GST_BUFFER_PTS(buffer.get()) = pts;
        GST_BUFFER_DURATION(buffer.get()) = 40 * GST_MSECOND;
        GstStructure *message = FrameReporter::new_message("filter", segment_, buffer.get(), time);
        reporter_.frame(element_.get(), message, interval);
    }

    /// The frame that is no latency is behind us.
    void warmed_up() { frame(0, 0, 0); }

    ElementPtr element_;
    BusPtr bus_;
    GstSegment *segment_ = nullptr;
    FrameReporter reporter_;
};

guint64 field(const GstStructure *structure, const char *name)
{
    guint64 value = 0;
    EXPECT_TRUE(gst_structure_get_uint64(structure, name, &value)) << name;
    return value;
}

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

// Latency is that of the slowest recent frame: it rises at once, and sinks only when 100 frames in a row were
// faster, for which it takes at most 200.
TEST_F(Report, LatencyIsThatOfTheSlowestRecentFrame)
{
    warmed_up();
    EXPECT_EQ(reporter_.latency(), 0U);
    frame(0, 800, 0);
    EXPECT_EQ(reporter_.latency(), 800U);
    frame(1, 1000, 0);
    EXPECT_EQ(reporter_.latency(), 1000U);
    int held = 0;
    for (; reporter_.latency() == 1000 && held < 1000; ++held)
        frame(2, 300, 0);
    EXPECT_GE(held, 100);
    EXPECT_LE(held, 200);
    EXPECT_EQ(reporter_.latency(), 300U);
}

// The first frame after a start, and one of which the element says so, pays for what the next ones find
// ready. It counts in all else.
TEST_F(Report, AFrameThatWarmsUpIsNoLatency)
{
    frame(0, 800, 0);
    EXPECT_EQ(reporter_.latency(), 0U);
    frame(1, 20, 0);
    reporter_.warm_up();
    frame(2, 900, 0);
    EXPECT_EQ(reporter_.latency(), 20U);
    reporter_.reset();
    frame(0, 800, 0);
    EXPECT_EQ(reporter_.latency(), 0U);
    const StructurePtr stats(reporter_.stats("stats"));
    EXPECT_EQ(field(stats.get(), "processing-time-max"), 800U);
}

// Frames are to be done in their time from then on; a longer one counts at once, but not the first, which may
// pay for what is new.
TEST_F(Report, AChangeOfQualityMakesTheTimeOfAFrameTheLatency)
{
    warmed_up();
    frame(0, 90, 0);
    const BufferPtr buffer(gst_buffer_new());
    reporter_.quality_changed(element_.get(), *segment_, buffer.get(), 0.5, 2.7, 33);
    EXPECT_EQ(reporter_.latency(), 33U);
    frame(1, 200, 0);
    frame(2, 30, 0);
    EXPECT_EQ(reporter_.latency(), 33U);
    frame(3, 40, 0);
    EXPECT_EQ(reporter_.latency(), 40U);
}

/// A source pad that answers LATENCY with live (or not), min 10 ms, max 20 ms, linked to a sink pad.
class Latency : public Report
{
protected:
    void SetUp() override
    {
        Report::SetUp();
        source_.reset(gst_pad_new("src", GST_PAD_SRC));
        sink_.reset(gst_pad_new("sink", GST_PAD_SINK));
        g_object_set_data(G_OBJECT(source_.get()), "test", this);
        gst_pad_set_query_function(source_.get(), [](GstPad *pad, GstObject *, GstQuery *query) -> gboolean {
            if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY)
                return gst_pad_query_default(pad, nullptr, query);
            const auto *self = static_cast<Latency *>(g_object_get_data(G_OBJECT(pad), "test"));
            gst_query_set_latency(query, self->live_, 10 * GST_MSECOND, self->max_);
            return self->known_;
        });
        gst_pad_set_active(source_.get(), TRUE);
        gst_pad_set_active(sink_.get(), TRUE);
        ASSERT_EQ(gst_pad_link(source_.get(), sink_.get()), GST_PAD_LINK_OK);
    }

    PadPtr source_;
    PadPtr sink_;
    bool live_ = true;
    bool known_ = true;
    GstClockTime max_ = 20 * GST_MSECOND;
};

TEST_F(Latency, IsThePeersPlusWhatWasMeasured)
{
    warmed_up();
    frame(0, 5 * GST_MSECOND, 0);
    for (const GstClockTime max : {GstClockTime{20 * GST_MSECOND}, GST_CLOCK_TIME_NONE}) {
        max_ = max;
        const QueryPtr query(gst_query_new_latency());
        ASSERT_TRUE(reporter_.answer_latency(sink_.get(), query.get()));
        gboolean live = FALSE;
        GstClockTime min = 0;
        GstClockTime answered = 0;
        gst_query_parse_latency(query.get(), &live, &min, &answered);
        EXPECT_TRUE(live);
        EXPECT_EQ(min, 15 * GST_MSECOND);
        EXPECT_EQ(answered, max == GST_CLOCK_TIME_NONE ? max : 25 * GST_MSECOND);
    }
}

TEST_F(Latency, IsUnknownWhereThePeerDoesNotKnow)
{
    known_ = false;
    const QueryPtr query(gst_query_new_latency());
    EXPECT_FALSE(reporter_.answer_latency(sink_.get(), query.get()));
}

// A live pipeline is told once for each notable change, and not for small ones.
TEST_F(Latency, NotableChangesArePostedWhereThePipelineIsLive)
{
    const QueryPtr query(gst_query_new_latency());
    ASSERT_TRUE(reporter_.answer_latency(sink_.get(), query.get()));
    warmed_up();
    frame(0, 1 * GST_MSECOND, 0);
    EXPECT_FALSE(pop(GST_MESSAGE_LATENCY)) << "less than 2 ms";
    frame(1, 40 * GST_MSECOND, 0);
    EXPECT_TRUE(pop(GST_MESSAGE_LATENCY));
    frame(2, 45 * GST_MSECOND, 0);
    EXPECT_FALSE(pop(GST_MESSAGE_LATENCY)) << "less than a quarter";
    frame(3, 60 * GST_MSECOND, 0);
    EXPECT_TRUE(pop(GST_MESSAGE_LATENCY));
}

// Video whose every seventh frame takes twice as long is one latency, and not a change with each of them; nor
// is the first frame, which builds what the others use.
TEST_F(Latency, UnevenFramesAreAnnouncedOnce)
{
    const QueryPtr query(gst_query_new_latency());
    ASSERT_TRUE(reporter_.answer_latency(sink_.get(), query.get()));
    int announced = 0;
    for (int i = 0; i < 300; ++i) {
        frame(i, (i == 0 ? 700 : i % 7 == 1 ? 20 : 10) * GST_MSECOND, 0);
        announced += pop(GST_MESSAGE_LATENCY) != nullptr;
    }
    EXPECT_EQ(announced, 1);
    EXPECT_EQ(reporter_.latency(), 20 * GST_MSECOND);
}

// What has become faster for good is announced too, once.
TEST_F(Latency, ADecreaseIsAnnouncedWhenItHasHeld)
{
    warmed_up();
    frame(0, 40 * GST_MSECOND, 0);
    const QueryPtr query(gst_query_new_latency());
    ASSERT_TRUE(reporter_.answer_latency(sink_.get(), query.get()));
    int announced = 0;
    for (int i = 0; i < 99; ++i)
        frame(i, 10 * GST_MSECOND, 0);
    EXPECT_FALSE(pop(GST_MESSAGE_LATENCY));
    for (int i = 0; i < 500; ++i) {
        frame(i, 10 * GST_MSECOND, 0);
        announced += pop(GST_MESSAGE_LATENCY) != nullptr;
    }
    EXPECT_EQ(announced, 1);
    EXPECT_EQ(reporter_.latency(), 10 * GST_MSECOND);
}

TEST_F(Latency, NothingIsPostedWhereThePipelineIsNotLive)
{
    live_ = false;
    const QueryPtr query(gst_query_new_latency());
    ASSERT_TRUE(reporter_.answer_latency(sink_.get(), query.get()));
    warmed_up();
    frame(0, 400 * GST_MSECOND, 0);
    EXPECT_FALSE(pop(GST_MESSAGE_LATENCY));
}

} // namespace
} // namespace anime
