// SPDX-License-Identifier: LGPL-2.1-or-later
// The element with frames that have times: streams of images, and raw video.
#include "tests/elements/sizeguard/sizeguard_fixture.h"

namespace anime::test
{

TEST_F(Sizeguard, MakesAFrameOfEachBufferWhereBuffersAreImages)
{
    for (const char *caps : {"image/jpeg,framerate=2/1", "image/jpeg,framerate=2/1,parsed=true"}) {
        start(has(caps, "parsed") ? GST_FORMAT_BYTES : GST_FORMAT_TIME, caps);
        EXPECT_EQ(push_at(make_image({}), 0), GST_FLOW_OK);
        EXPECT_EQ(push_at(make_image({}), GST_SECOND), GST_FLOW_OK);
        EXPECT_EQ(push_at(make_image({.width = 32, .height = 8}), 2 * GST_SECOND), GST_FLOW_OK);
        for (int i = 0; i < 3; ++i) {
            const BufferPtr frame = pull();
            ASSERT_TRUE(frame);
            EXPECT_EQ(GST_BUFFER_PTS(frame.get()), i * GST_SECOND);
            EXPECT_EQ(GST_BUFFER_DURATION(frame.get()), GST_SECOND);
        }
        EXPECT_TRUE(has(out_caps(), "width=(int)32, height=(int)8")) << out_caps();
        EXPECT_TRUE(has(out_caps(), "framerate=(fraction)2/1")) << out_caps();
        EXPECT_TRUE(end());
        gst_element_set_state(element_.get(), GST_STATE_READY);
    }
}

TEST_F(Sizeguard, ImagesWithoutTimesAreAFilm)
{
    // As multifilesrc makes them.
    const char *caps = "image/jpeg,framerate=2/1,parsed=true";
    start(GST_FORMAT_BYTES, caps);
    for (int segment = 0; segment < 2; ++segment) {
        for (int i = 0; i < 3; ++i) {
            EXPECT_EQ(push(make_image({})), GST_FLOW_OK);
            const BufferPtr frame = pull();
            ASSERT_TRUE(frame);
            EXPECT_EQ(GST_BUFFER_PTS(frame.get()), i * GST_SECOND / 2);
            EXPECT_EQ(GST_BUFFER_DURATION(frame.get()), GST_SECOND / 2);
        }
        stream(GST_FORMAT_BYTES, caps);
    }
}

TEST_F(Sizeguard, ImagesWithoutAFrameRateAreStills)
{
    for (const char *caps : {"image/jpeg,parsed=true", "image/jpeg,framerate=0/1,parsed=true"}) {
        start(GST_FORMAT_BYTES, caps);
        for (int i = 0; i < 2; ++i) {
            EXPECT_EQ(push(make_image({})), GST_FLOW_OK);
            const BufferPtr frame = pull();
            ASSERT_TRUE(frame);
            EXPECT_FALSE(GST_BUFFER_DURATION_IS_VALID(frame.get()));
            EXPECT_FALSE(GST_BUFFER_PTS_IS_VALID(frame.get()));
        }
        gst_element_set_state(element_.get(), GST_STATE_READY);
    }
}

TEST_F(Sizeguard, AddsWhatItTookToTheLatency)
{
    gst_harness_set_upstream_latency(harness(), 40 * GST_MSECOND);
    start(GST_FORMAT_TIME, "image/jpeg,framerate=1/1");
    push_at(make_image({}), 0);
    EXPECT_EQ(gst_harness_query_latency(harness()), 40 * GST_MSECOND) << "the first frame warms up";
    push_at(make_image({}), GST_SECOND);
    const guint64 took = stat("processing-time-last");
    EXPECT_GT(took, 0u);
    EXPECT_EQ(gst_harness_query_latency(harness()), 40 * GST_MSECOND + took);
}

TEST_F(Sizeguard, RawVideoWithinBoundsPassesUntouched)
{
    start(GST_FORMAT_TIME, "video/x-raw,format=I420,width=64,height=48,framerate=30/1");
    BufferPtr frame = buffer_of(Data(64 * 48 * 3 / 2, 100));
    GstBuffer *const same = frame.get();
    EXPECT_EQ(gst_harness_push(harness(), frame.release()), GST_FLOW_OK);
    EXPECT_EQ(pull().get(), same);
    EXPECT_TRUE(has(out_caps(), "I420"));
    EXPECT_EQ(stat("passed"), 1u);
    EXPECT_TRUE(end());
}

TEST_F(Sizeguard, RawVideoIsAllocatedAsTheNextElementLikes)
{
    gst_harness_add_propose_allocation_meta(harness(), GST_VIDEO_META_API_TYPE, nullptr);
    gst_harness_add_propose_allocation_meta(harness(), GST_VIDEO_CROP_META_API_TYPE, nullptr);
    const char *caps = "video/x-raw,format=I420,width=64,height=48,framerate=30/1";
    start(GST_FORMAT_TIME, caps);
    const PadPtr pad(gst_element_get_static_pad(element_.get(), "sink"));
    const auto offers = [&](GType meta) {
        const QueryPtr query(gst_query_new_allocation(CapsPtr(gst_caps_from_string(caps)).get(), TRUE));
        EXPECT_TRUE(gst_pad_query(pad.get(), query.get()));
        return gst_query_find_allocation_meta(query.get(), meta, nullptr);
    };
    EXPECT_TRUE(offers(GST_VIDEO_META_API_TYPE));
    EXPECT_TRUE(offers(GST_VIDEO_CROP_META_API_TYPE)) << "by the next element";

    // Where it scales it reads any layout, but what comes next doesn't see the frames.
    g_object_set(element_.get(), "max-dimension", 32, nullptr);
    while (EventPtr(gst_harness_try_pull_upstream_event(harness()))) {
    }
    EXPECT_EQ(push(Data(64 * 48 * 3 / 2, 100)), GST_FLOW_OK);
    EXPECT_TRUE(offers(GST_VIDEO_META_API_TYPE));
    EXPECT_FALSE(offers(GST_VIDEO_CROP_META_API_TYPE));
    bool asked = false;
    while (const EventPtr event{gst_harness_try_pull_upstream_event(harness())})
        asked = asked || GST_EVENT_TYPE(event.get()) == GST_EVENT_RECONFIGURE;
    EXPECT_TRUE(asked) << "to negotiate its memory again";
}

TEST_F(Sizeguard, RawVideoIsScaledDownWithItsTimesAndRegions)
{
    g_object_set(element_.get(), "max-dimension", 50, nullptr);
    start(GST_FORMAT_TIME, "video/x-raw,format=RGB,width=100,height=40,framerate=30/1");
    BufferPtr frame = buffer_of(Data(300 * 40, 200));
    GST_BUFFER_PTS(frame.get()) = 5;
    gst_buffer_add_video_region_of_interest_meta(frame.get(), "face", 20, 20, 10, 10);
    EXPECT_EQ(gst_harness_push(harness(), frame.release()), GST_FLOW_OK);
    const BufferPtr out = pull();
    ASSERT_TRUE(out);
    EXPECT_TRUE(has(out_caps(), "width=(int)50, height=(int)20")) << out_caps();
    EXPECT_EQ(gst_buffer_get_size(out.get()), 152u * 20);
    EXPECT_EQ(GST_BUFFER_PTS(out.get()), 5u);
    EXPECT_EQ(MappedBuffer(out.get(), GST_MAP_READ).data()[0], 200);
    const auto *region = reinterpret_cast<GstVideoRegionOfInterestMeta *>(
        gst_buffer_get_meta(out.get(), GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE));
    ASSERT_TRUE(region);
    EXPECT_EQ(region->x, 10u);
    EXPECT_EQ(region->w, 5u);

    // The limit may change between frames.
    g_object_set(element_.get(), "max-dimension", 100, nullptr);
    EXPECT_EQ(push(Data(300 * 40, 200)), GST_FLOW_OK);
    EXPECT_TRUE(has(out_caps(), "width=(int)100, height=(int)40")) << out_caps();
}

TEST_F(Sizeguard, RawVideoOverTheLimitsIsRefusedWhereAskedFor)
{
    g_object_set(element_.get(), "max-dimension", 50, nullptr);
    gst_util_set_object_arg(G_OBJECT(element_.get()), "action", "reject");
    start(GST_FORMAT_TIME, "video/x-raw,format=RGB,width=100,height=40,framerate=30/1");
    EXPECT_EQ(push(Data(300 * 40)), GST_FLOW_ERROR);
    EXPECT_EQ(error_code(), "size-dimension");
}

TEST_F(Sizeguard, RawVideoOfTooManyPixelsIsRefused)
{
    g_object_set(element_.get(), "max-source-pixels", guint64{1000}, nullptr);
    start(GST_FORMAT_TIME, "video/x-raw,format=RGB,width=100,height=40,framerate=30/1");
    EXPECT_EQ(push(Data(300 * 40)), GST_FLOW_ERROR);
    const MessagePtr message = pop(GST_MESSAGE_ELEMENT);
    ASSERT_TRUE(message);
    const GstStructure *s = gst_message_get_structure(message.get());
    EXPECT_STREQ(gst_structure_get_string(s, "format"), "RGB");
    EXPECT_STREQ(gst_structure_get_string(s, "code"), "size-pixels");
    int width = 0;
    int height = 0;
    gst_structure_get(s, "source-width", G_TYPE_INT, &width, "source-height", G_TYPE_INT, &height, nullptr);
    EXPECT_EQ(width, 100);
    EXPECT_EQ(height, 40);
    EXPECT_EQ(error_code(), "size-pixels");
}

TEST_F(Sizeguard, ARawFrameSmallerThanItsCapsIsAnError)
{
    g_object_set(element_.get(), "max-dimension", 50, nullptr);
    start(GST_FORMAT_TIME, "video/x-raw,format=RGB,width=100,height=40,framerate=30/1");
    EXPECT_EQ(push(Data(10)), GST_FLOW_ERROR);
    EXPECT_EQ(error_code(), "frame-invalid");
}

TEST_F(Sizeguard, LateFramesAreDroppedAndCounted)
{
    start(GST_FORMAT_TIME, "image/jpeg,framerate=1/1");
    push_at(make_image({}), 0);
    gst_harness_push_upstream_event(
        harness(), gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 1.5, 2 * GST_SECOND, GST_SECOND));
    EXPECT_EQ(push_at(make_image({}), 2 * GST_SECOND), GST_FLOW_OK);
    EXPECT_EQ(push_at(make_image({}), 10 * GST_SECOND), GST_FLOW_OK);
    EXPECT_EQ(stat("dropped"), 1u);
    EXPECT_EQ(stat("frames"), 2u);
    const MessagePtr message = pop(GST_MESSAGE_QOS);
    ASSERT_TRUE(message);
    GstFormat format;
    guint64 processed;
    guint64 dropped;
    gst_message_parse_qos_stats(message.get(), &format, &processed, &dropped);
    EXPECT_EQ(dropped, 1u);
    gint64 jitter;
    gdouble proportion;
    gint quality;
    gst_message_parse_qos_values(message.get(), &jitter, &proportion, &quality);
    EXPECT_EQ(jitter, 3 * GST_SECOND); // wanted at 5 s: 1 s and twice what it was late
    EXPECT_EQ(proportion, 1.5);
    EXPECT_EQ(quality, 1'000'000);
    for (const bool after_drop : {false, true}) {
        const BufferPtr frame = pull();
        ASSERT_TRUE(frame);
        EXPECT_EQ(GST_BUFFER_FLAG_IS_SET(frame.get(), GST_BUFFER_FLAG_DISCONT), after_drop);
    }

    g_object_set(element_.get(), "qos", FALSE, nullptr);
    EXPECT_EQ(push_at(make_image({}), 2 * GST_SECOND), GST_FLOW_OK);
    EXPECT_EQ(stat("dropped"), 1u);
}

TEST_F(Sizeguard, MessagesComeAtMostOncePerInterval)
{
    g_object_set(element_.get(), "message-interval", guint64{10 * GST_SECOND}, nullptr);
    start(GST_FORMAT_TIME, "image/jpeg,framerate=1/1");
    for (int second = 0; second < 11; ++second)
        push_at(make_image({}), second * GST_SECOND);
    int messages = 0;
    while (pop(GST_MESSAGE_ELEMENT))
        ++messages;
    EXPECT_EQ(messages, 2);
    EXPECT_EQ(stat("frames"), 11u);
}

} // namespace anime::test
