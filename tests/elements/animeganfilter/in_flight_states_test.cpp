// SPDX-License-Identifier: LGPL-2.1-or-later
// animeganfilter with several frames in flight: errors, flushes, stops, bounded memory downstream, live
// streams.
#include "in_flight_fixture.h"

namespace anime
{
namespace
{

/// Fails for one level.
std::shared_ptr<FakePainter> failing_at(int level)
{
    return painter_of([level](int now) {
        if (now == level)
            throw Error("out-of-memory", "No memory.");
    });
}

// Frames before it and behind it come out all the same; the stream is told when its turn comes.
TEST_F(InFlight, AFrameThatCannotBePaintedIsAnErrorInItsPlace)
{
    constexpr int bad = 5;
    start(failing_at(bad));
    for (int level = 1; level <= 10; ++level)
        EXPECT_EQ(push(flat_frame(static_cast<std::uint8_t>(level))),
                  level == bad + in_flight ? GST_FLOW_ERROR : GST_FLOW_OK)
            << level;
    drain();
    for (int level = 1; level <= 10; ++level) {
        if (level == bad)
            continue;
        EXPECT_EQ(level_of(pull()), level);
    }
    EXPECT_FALSE(pull());
    EXPECT_EQ(pop_error().code, "out-of-memory");
    EXPECT_FALSE(pop(GST_MESSAGE_ERROR));
    EXPECT_EQ(stat("errors"), 1U);
    EXPECT_EQ(stat("frames"), 9U);
}

TEST_F(InFlight, AnErrorInTheLastFramesIsTold)
{
    start(failing_at(2));
    push_levels(1, 3);
    push_event(gst_event_new_eos());
    EXPECT_EQ(level_of(pull()), 1);
    EXPECT_EQ(level_of(pull()), 3);
    EXPECT_EQ(pop_error().code, "out-of-memory");
}

TEST_F(InFlight, AFlushDropsWhatIsInFlight)
{
    const auto endless = std::make_shared<EndlessPainter>();
    set_painter_opener(element_.get(), [endless](const PaintSettings &settings) -> std::shared_ptr<Painter> {
        if (settings.model == "endless")
            return endless;
        return copying_painter();
    });
    g_object_set(element_.get(), "model", "endless", nullptr);
    FilterTest::start();
    push_levels(1, in_flight);
    endless->wait_until_entered();
    push_event(gst_event_new_flush_start());
    push_event(gst_event_new_flush_stop(TRUE));
    push_segment();
    g_object_set(element_.get(), "model", "copy", nullptr);
    push_levels(50, 52);
    drain();
    for (int level = 50; level <= 52; ++level)
        EXPECT_EQ(level_of(pull()), level);
    EXPECT_FALSE(pull());
    EXPECT_FALSE(pop(GST_MESSAGE_ERROR));
    EXPECT_EQ(stat("errors"), 0U);
}

// Whoever waits with the next frame is sent away.
TEST_F(InFlight, StoppingGivesUpWhatIsInFlight)
{
    const auto endless = std::make_shared<EndlessPainter>();
    start(endless);
    push_levels(1, in_flight);
    auto flow = std::async(std::launch::async, [this] { return push(flat_frame(1)); });
    endless->wait_until_entered();
    gst_element_set_state(element_.get(), GST_STATE_NULL);
    EXPECT_EQ(flow.get(), GST_FLOW_FLUSHING);
    EXPECT_FALSE(pop(GST_MESSAGE_ERROR));
}

TEST_F(InFlight, StoppingWithoutASourceGivesUpWhatIsInFlight)
{
    const auto endless = std::make_shared<EndlessPainter>();
    start(endless);
    push_levels(1, 2);
    endless->wait_until_entered();
    gst_element_set_state(element_.get(), GST_STATE_NULL);
    EXPECT_FALSE(pull());
    EXPECT_FALSE(pop(GST_MESSAGE_ERROR));
}

// Nobody downstream wants more: the rest is not sent after it.
TEST_F(InFlight, WhatDownstreamRefusesEndsTheStream)
{
    start(copying_painter());
    const PadPtr src(gst_element_get_static_pad(element_.get(), "src"));
    int refused = 0;
    gst_pad_add_probe(
        src.get(), GST_PAD_PROBE_TYPE_BUFFER,
        [](GstPad *, GstPadProbeInfo *info, gpointer count) {
            ++*static_cast<int *>(count);
            gst_buffer_unref(gst_pad_probe_info_get_buffer(info));
            GST_PAD_PROBE_INFO_DATA(info) = nullptr;
            GST_PAD_PROBE_INFO_FLOW_RETURN(info) = GST_FLOW_EOS;
            return GST_PAD_PROBE_HANDLED;
        },
        &refused, nullptr);
    push_levels(1, in_flight);
    EXPECT_EQ(push(flat_frame(9)), GST_FLOW_EOS);
    drain();
    EXPECT_EQ(refused, 2) << "one by the frame, one by the drain, which stops there";
}

// Downstream's memory is bounded: those in flight must not take all of it.
TEST_F(InFlight, ASmallPoolDownstreamIsEnough)
{
    for (const guint most : {1U, 2U, 3U, 5U, 9U}) {
        SCOPED_TRACE(most);
        set_painter_opener(element_.get(), [](const PaintSettings &) { return copying_painter(); });
        harness_.reset(gst_harness_new_with_element(element_.get(), "sink", "src"));
        gst_harness_set_drop_buffers(harness_.get(), TRUE);
        gst_pad_add_probe(
            harness_->sinkpad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM,
            [](GstPad *, GstPadProbeInfo *info, gpointer data) {
                GstQuery *query = gst_pad_probe_info_get_query(info);
                if (GST_QUERY_TYPE(query) != GST_QUERY_ALLOCATION)
                    return GST_PAD_PROBE_OK;
                gst_query_add_allocation_pool(query, nullptr, 4 * 4 * 3, 0,
                                              *static_cast<const guint *>(data));
                return GST_PAD_PROBE_HANDLED;
            },
            const_cast<guint *>(&most), nullptr);
        set_caps(4, 4);
        push_levels(1, 30);
        push_event(gst_event_new_eos());
        EXPECT_EQ(gst_harness_buffers_received(harness_.get()), 30U);
        renew();
    }
}

// As a live stream's sink would have to wait for them.
TEST_F(InFlight, TheLatencyHasTheFramesInFlight)
{
    start(copying_painter());
    gst_harness_set_upstream_latency(harness_.get(), 20 * GST_MSECOND);
    EXPECT_EQ(gst_harness_query_latency(harness_.get()), 20 * GST_MSECOND + in_flight * 40 * GST_MSECOND);
}

/// Notes for how many pictures at once it is asked.
PainterOpener noting_opener(std::vector<unsigned> &asked)
{
    return [&asked](const PaintSettings &settings) {
        asked.push_back(settings.pictures);
        return copying_painter();
    };
}

// A GstHarness is a live source.
TEST_F(InFlight, ByItselfALiveStreamHasOneFrameInFlight)
{
    std::vector<unsigned> asked;
    g_object_set(element_.get(), "frames-in-flight", 0, nullptr);
    set_painter_opener(element_.get(), noting_opener(asked));
    FilterTest::start();
    EXPECT_EQ(asked, (std::vector<unsigned>{0, 1})) << "it is known when the source has started";
    push_levels(7, 7);
    EXPECT_EQ(level_of(pull()), 7);
}

TEST_F(InFlight, ByItselfItIsOneOrSeveralByTheSource)
{
    for (const bool live : {false, true}) {
        SCOPED_TRACE(live);
        std::vector<unsigned> asked;
        const std::string line = std::string("videotestsrc num-buffers=3 is-live=") +
                                 (live ? "true" : "false") +
                                 " ! video/x-raw,width=20,height=10 ! animeganfilter name=paint "
                                 "frames-in-flight=0 ! fakesink";
        const ElementPtr pipeline(gst_parse_launch(line.c_str(), nullptr));
        ASSERT_TRUE(pipeline);
        const ElementPtr filter(gst_bin_get_by_name(GST_BIN(pipeline.get()), "paint"));
        set_painter_opener(filter.get(), noting_opener(asked));
        gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
        const BusPtr bus(gst_element_get_bus(pipeline.get()));
        const auto ends = static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
        const MessagePtr end(gst_bus_timed_pop_filtered(bus.get(), GST_CLOCK_TIME_NONE, ends));
        EXPECT_EQ(GST_MESSAGE_TYPE(end.get()), GST_MESSAGE_EOS);
        gst_element_set_state(pipeline.get(), GST_STATE_NULL);
        EXPECT_EQ(asked, std::vector<unsigned>{live ? 1U : 0U});
    }
}

TEST_F(InFlight, StartsAndStopsWithFramesInFlight)
{
    start(copying_painter());
    for (int i = 0; i < 10; ++i) {
        push_levels(1, 1 + i % 5);
        gst_element_set_state(element_.get(), i % 2 ? GST_STATE_READY : GST_STATE_NULL);
        gst_element_set_state(element_.get(), GST_STATE_PLAYING);
        gst_harness_push_event(harness_.get(), gst_event_new_stream_start("again"));
        set_caps(4, 4);
        push_segment();
    }
    while (pull())
        continue;
    push_levels(40, 44);
    drain();
    for (int level = 40; level <= 44; ++level)
        EXPECT_EQ(level_of(pull()), level);
    EXPECT_FALSE(pop(GST_MESSAGE_ERROR));
}

} // namespace
} // namespace anime
