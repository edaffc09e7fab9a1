// SPDX-License-Identifier: LGPL-2.1-or-later
// animeganfilter in a live stream: ready before the first frame, late frames, a frame rate held, the latency
// it tells.
#include "filter_fixture.h"

#include <chrono>
#include <cmath>
#include <thread>

namespace anime
{
namespace
{

using Live = FilterTest;

// A live stream does not wait for the plan of its size: it is made before the clock runs, where the size is
// known.
TEST_F(Live, ALiveStreamFindsThePainterReady)
{
    struct Case {
        const char *source;
        int painted_before;
    };
    const Case cases[] = {
        {"videotestsrc name=source is-live=true ! video/x-raw,width=20,height=10,framerate=30/1", 1},
        {"videotestsrc name=source is-live=true ! video/x-raw,width={20,30},height=10,framerate=30/1", 0},
        {"videotestsrc name=source is-live=true ! identity", 0},
        {"fakesrc name=source ! video/x-raw,format=RGB,width=20,height=10,framerate=30/1", 0},
    };
    for (const Case &c : cases) {
        SCOPED_TRACE(c.source);
        const auto painter = flat_painter({0, 0, 0});
        const std::string line = std::string(c.source) + " ! animeganfilter name=paint ! fakesink";
        const ElementPtr pipeline(gst_parse_launch(line.c_str(), nullptr));
        ASSERT_TRUE(pipeline);
        const ElementPtr filter(gst_bin_get_by_name(GST_BIN(pipeline.get()), "paint"));
        const ElementPtr source(gst_bin_get_by_name(GST_BIN(pipeline.get()), "source"));
        set_painter_opener(filter.get(), [&](const PaintSettings &) { return painter; });
        gst_element_set_locked_state(source.get(), TRUE); // it stays stopped: nothing flows
        gst_element_set_state(pipeline.get(), GST_STATE_PAUSED);
        EXPECT_EQ(painter->calls, c.painted_before);
        if (c.painted_before > 0) {
            EXPECT_EQ(painter->width, 20);
            EXPECT_EQ(painter->height, 10);
        }
        gst_element_set_state(pipeline.get(), GST_STATE_NULL);
    }
}

// A sink that got a frame 100 ms late: what is older than that is dropped before it is painted, and counted.
TEST_F(Live, LateFramesAreDroppedAndCounted)
{
    const auto painter = flat_painter({200, 200, 200});
    start(painter);
    through(flat_frame(100, 0));
    gst_harness_push_upstream_event(
        harness_.get(), gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 1.5, 100 * GST_MSECOND, 40 * GST_MSECOND));
    EXPECT_EQ(push(flat_frame(100, 80 * GST_MSECOND)), GST_FLOW_OK);
    EXPECT_FALSE(pull());
    EXPECT_EQ(stat("dropped"), 1U);
    EXPECT_TRUE(pop(GST_MESSAGE_QOS));
    EXPECT_EQ(painter->calls, 1);
    through(flat_frame(100, GST_SECOND));
    EXPECT_EQ(stat("frames"), 2U);
}

TEST_F(Live, WithoutQosEveryFrameIsPainted)
{
    g_object_set(element_.get(), "qos", FALSE, nullptr);
    start(flat_painter({200, 200, 200}));
    through(flat_frame(100, 0));
    gst_harness_push_upstream_event(
        harness_.get(), gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 1.5, 100 * GST_MSECOND, 40 * GST_MSECOND));
    through(flat_frame(100, 80 * GST_MSECOND));
    EXPECT_EQ(stat("dropped"), 0U);
}

// The first frame of a model, of a size, and of a stream pays for what the next ones find ready.
TEST_F(Live, LatencyIsWhatWasMeasuredWithoutTheFirstFrame)
{
    start(flat_painter({200, 200, 200}));
    gst_harness_set_upstream_latency(harness_.get(), 20 * GST_MSECOND);
    through(flat_frame(100));
    EXPECT_EQ(gst_harness_query_latency(harness_.get()), 20 * GST_MSECOND);
    set_caps(5, 3);
    through(flat_frame(100));
    EXPECT_EQ(gst_harness_query_latency(harness_.get()), 20 * GST_MSECOND);
    g_object_set(element_.get(), "model", "other", nullptr);
    through(flat_frame(100));
    EXPECT_EQ(gst_harness_query_latency(harness_.get()), 20 * GST_MSECOND);
    through(flat_frame(100));
    EXPECT_EQ(gst_harness_query_latency(harness_.get()), 20 * GST_MSECOND + stat("processing-time-last"));
}

/// Takes two milliseconds at least, at any size.
class SlowPainter : public FakePainter
{
public:
    SlowPainter() : FakePainter([](const std::uint8_t *p) { return Colour{p[0], p[1], p[2]}; }, "slow") {}

    PaintStats paint(const ConstImage &in, const Image &out, const std::atomic<bool> &cancel) override
    {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        return FakePainter::paint(in, out, cancel);
    }
};

TEST_F(Live, ATargetFramerateIsHeldByPaintingSmaller)
{
    const auto painter = std::make_shared<SlowPainter>();
    // The default has a quick net, which would come first.
    g_object_set(element_.get(), "model", "hayao", "target-framerate", 1000, 1, nullptr);
    start(painter, 200, 100);
    const auto through_at = [&](int i) {
        BufferPtr in = flat_frame(100, static_cast<GstClockTime>(i) * GST_MSECOND);
        GST_BUFFER_DURATION(in.get()) = GST_MSECOND;
        return through(std::move(in));
    };
    for (int i = 0; i < 4; ++i) {
        EXPECT_FALSE(pop(GST_MESSAGE_QOS)) << i;
        EXPECT_EQ(level_of(through_at(i)), 100);
        EXPECT_EQ(painter->width, 200);
    }
    const MessagePtr message = pop(GST_MESSAGE_QOS);
    ASSERT_TRUE(message);
    gint64 jitter = -1;
    gdouble proportion = 0;
    gint quality = 0;
    gst_message_parse_qos_values(message.get(), &jitter, &proportion, &quality);
    EXPECT_GT(proportion, 2);
    EXPECT_LT(quality, 400'000)
        << "of the pixels, in millionths: it takes twice as long as it may, or longer";
    const int width = static_cast<int>(std::lround(200 * std::sqrt(quality / 1e6)));
    guint64 timestamp = 0;
    gst_message_parse_qos(message.get(), nullptr, nullptr, nullptr, &timestamp, nullptr);
    EXPECT_EQ(timestamp, 3 * GST_MSECOND);

    EXPECT_EQ(level_of(through_at(4)), 100);
    EXPECT_NEAR(painter->width, width, 1);
    EXPECT_NEAR(painter->height, width / 2, 1);
    g_object_set(element_.get(), "target-framerate", 0, 1, nullptr);
    through_at(5);
    through_at(6);
    EXPECT_EQ(painter->width, 200) << "no target, no loss";
}

TEST_F(Live, ATargetAboveTheStreamsRateAsksForNoMoreThanIt)
{
    const auto painter = std::make_shared<SlowPainter>();
    g_object_set(element_.get(), "target-framerate", 1000, 1, nullptr);
    start(painter, 20, 10);
    for (int i = 0; i < 8; ++i) {
        BufferPtr in = flat_frame(100, static_cast<GstClockTime>(i) * 3600 * GST_SECOND);
        GST_BUFFER_DURATION(in.get()) = 3600 * GST_SECOND;
        through(std::move(in));
    }
    EXPECT_EQ(painter->width, 20);
    EXPECT_FALSE(pop(GST_MESSAGE_QOS));
}

// Upstream drops in its place: a leaky queue, or whoever hears of late frames.
TEST_F(Live, FramesThatWereDroppedUpstreamForItsSakeAreCounted)
{
    const auto painter = std::make_shared<SlowPainter>();
    start(painter);
    const auto push_at = [&](int ms) {
        BufferPtr in = flat_frame(100, static_cast<GstClockTime>(ms) * GST_MSECOND);
        GST_BUFFER_DURATION(in.get()) = GST_MSECOND;
        through(std::move(in));
    };
    push_at(0);
    push_at(1);
    EXPECT_EQ(stat("dropped"), 0U);
    push_at(5);
    EXPECT_EQ(stat("dropped"), 3U);
    // A gap of a source whose frames it could have painted is none of its business.
    for (const int hour : {1, 4}) {
        BufferPtr in = flat_frame(100, static_cast<GstClockTime>(hour) * 3600 * GST_SECOND);
        GST_BUFFER_DURATION(in.get()) = 3600 * GST_SECOND;
        if (hour == 1)
            gst_harness_push_event(harness_.get(),
                                   gst_event_new_segment(&GST_BASE_TRANSFORM(element_.get())->segment));
        through(std::move(in));
    }
    EXPECT_EQ(stat("dropped"), 3U);
}

} // namespace
} // namespace anime
