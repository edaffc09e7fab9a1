// SPDX-License-Identifier: LGPL-2.1-or-later
// The latency that an element tells: of which frames it is, and to whom it is told.
#include "report_fixture.h"

namespace anime
{
namespace
{

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
