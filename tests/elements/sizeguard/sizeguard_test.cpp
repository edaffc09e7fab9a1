// SPDX-License-Identifier: LGPL-2.1-or-later
// The element: streams of bytes, streams of images, raw video; events, caps, messages, errors, states.
#include "elements/gst_raii.h"
#include "elements/sizeguard/gstanimesizeguard.h"
#include "tests/elements/sizeguard/test_images.h"

#include <gst/check/gstharness.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

namespace anime::test
{

namespace
{

using HarnessPtr = std::unique_ptr<GstHarness, Release<gst_harness_teardown>>;

BufferPtr buffer_of(const Data &data)
{
    GstBuffer *buffer = gst_buffer_new_allocate(nullptr, data.size(), nullptr);
    gst_buffer_fill(buffer, 0, data.data(), data.size());
    return BufferPtr(buffer);
}

class Sizeguard : public testing::Test
{
protected:
    Sizeguard()
    {
        GST_ELEMENT_REGISTER(sizeguard, nullptr);
        element_.reset(GST_ELEMENT(gst_object_ref_sink(gst_element_factory_make("sizeguard", nullptr))));
        bus_.reset(gst_bus_new());
        gst_element_set_bus(element_.get(), bus_.get());
        harness_.reset(gst_harness_new_with_element(element_.get(), "sink", "src"));
    }
    ~Sizeguard() override
    {
        harness_.reset();
        gst_element_set_bus(element_.get(), nullptr);
        gst_element_set_state(element_.get(), GST_STATE_NULL);
    }

    GstHarness *harness() { return harness_.get(); }

    void start(GstFormat format = GST_FORMAT_BYTES, const char *caps = nullptr)
    {
        gst_harness_play(harness());
        stream(format, caps);
    }
    void stream(GstFormat format, const char *caps)
    {
        gst_harness_push_event(harness(), gst_event_new_stream_start("test"));
        if (caps)
            gst_harness_push_event(harness(), gst_event_new_caps(CapsPtr(gst_caps_from_string(caps)).get()));
        GstSegment segment;
        gst_segment_init(&segment, format);
        gst_harness_push_event(harness(), gst_event_new_segment(&segment));
    }
    GstFlowReturn push(const Data &data) { return gst_harness_push(harness(), buffer_of(data).release()); }
    GstFlowReturn push_at(const Data &data, GstClockTime pts)
    {
        BufferPtr buffer = buffer_of(data);
        GST_BUFFER_PTS(buffer.get()) = pts;
        GST_BUFFER_DURATION(buffer.get()) = GST_SECOND;
        return gst_harness_push(harness(), buffer.release());
    }
    bool end() { return gst_harness_push_event(harness(), gst_event_new_eos()); }
    BufferPtr pull() { return BufferPtr(gst_harness_try_pull(harness())); }

    MessagePtr pop(GstMessageType type) { return MessagePtr(gst_bus_pop_filtered(bus_.get(), type)); }
    std::string error_code()
    {
        const MessagePtr message = pop(GST_MESSAGE_ERROR);
        if (!message)
            return "";
        const GstStructure *details;
        gst_message_parse_error_details(message.get(), &details);
        return gst_structure_get_string(details, "code");
    }
    std::string out_caps()
    {
        const PadPtr pad(gst_element_get_static_pad(element_.get(), "src"));
        const CapsPtr caps(gst_pad_get_current_caps(pad.get()));
        return caps ? StringPtr(gst_caps_to_string(caps.get())).get() : "";
    }
    guint64 stat(const char *name)
    {
        GstStructure *stats;
        g_object_get(element_.get(), "stats", &stats, nullptr);
        guint64 value = 0;
        gst_structure_get_uint64(stats, name, &value);
        gst_structure_free(stats);
        return value;
    }
    void downstream_takes(const char *caps)
    {
        gst_harness_set_sink_caps(harness(), gst_caps_from_string(caps));
    }

    ElementPtr element_;
    std::unique_ptr<GstBus, Release<gst_object_unref>> bus_;
    HarnessPtr harness_;
};

bool has(const std::string &text, const std::string &part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_F(Sizeguard, MakesOneFrameOfAStreamOfBytes)
{
    start();
    const Data image = make_image({});
    for (std::size_t i = 0; i < image.size(); i += 100)
        ASSERT_EQ(push(Data(image.begin() + i, image.begin() + std::min(i + 100, image.size()))),
                  GST_FLOW_OK);
    EXPECT_FALSE(pull());
    EXPECT_TRUE(end());

    const BufferPtr frame = pull();
    ASSERT_TRUE(frame);
    EXPECT_EQ(GST_BUFFER_PTS(frame.get()), 0u);
    EXPECT_FALSE(GST_BUFFER_DURATION_IS_VALID(frame.get()));
    EXPECT_TRUE(has(out_caps(), "RGB") && has(out_caps(), "width=(int)64, height=(int)48")) << out_caps();
    EXPECT_TRUE(has(out_caps(), "framerate=(fraction)0/1")) << out_caps();
    EXPECT_FALSE(pull());

    const GstEventType expected[] = {GST_EVENT_STREAM_START, GST_EVENT_CAPS, GST_EVENT_SEGMENT,
                                     GST_EVENT_EOS};
    for (const GstEventType type : expected) {
        const EventPtr event(gst_harness_try_pull_event(harness()));
        ASSERT_TRUE(event);
        EXPECT_EQ(GST_EVENT_TYPE(event.get()), type) << GST_EVENT_TYPE_NAME(event.get());
        if (type == GST_EVENT_SEGMENT) {
            const GstSegment *segment;
            gst_event_parse_segment(event.get(), &segment);
            EXPECT_EQ(segment->format, GST_FORMAT_TIME);
        }
    }
}

TEST_F(Sizeguard, PostsWhatItKnows)
{
    start();
    const Data image = make_image({.width = 4000, .height = 100, .orientation = 6});
    push(image);
    end();
    const MessagePtr message = pop(GST_MESSAGE_ELEMENT);
    ASSERT_TRUE(message);
    const GstStructure *s = gst_message_get_structure(message.get());
    EXPECT_TRUE(gst_structure_has_name(s, "sizeguard"));
    const auto number = [s](const char *field) {
        int value = -1;
        gst_structure_get_int(s, field, &value);
        return value;
    };
    EXPECT_STREQ(gst_structure_get_string(s, "format"), "jpeg");
    EXPECT_STREQ(gst_structure_get_string(s, "verdict"), "shrunk");
    EXPECT_EQ(number("source-width"), 4000);
    EXPECT_EQ(number("source-height"), 100);
    EXPECT_EQ(number("channels"), 3);
    EXPECT_EQ(number("orientation"), 6);
    EXPECT_EQ(number("width"), 50);
    EXPECT_EQ(number("height"), 2000);
    for (const char *field : {"timestamp", "stream-time", "running-time", "duration", "processing-time",
                              "bytes", "decode-time", "wait-time"})
        EXPECT_TRUE(gst_structure_has_field_typed(s, field, G_TYPE_UINT64)) << field;
    EXPECT_EQ(stat("frames"), 1u);
    EXPECT_EQ(stat("shrunk"), 1u);
    EXPECT_EQ(stat("bytes"), image.size());
}

TEST_F(Sizeguard, RefusesOnceWithAMessageAndAnError)
{
    start();
    EXPECT_EQ(push(jpeg_header(10000, 6000)), GST_FLOW_ERROR);
    EXPECT_EQ(push(Data(100)), GST_FLOW_ERROR);
    EXPECT_FALSE(end());
    const MessagePtr message = pop(GST_MESSAGE_ELEMENT);
    ASSERT_TRUE(message);
    const GstStructure *s = gst_message_get_structure(message.get());
    EXPECT_STREQ(gst_structure_get_string(s, "verdict"), "rejected");
    EXPECT_STREQ(gst_structure_get_string(s, "code"), "size-pixels");
    EXPECT_EQ(error_code(), "size-pixels");
    EXPECT_EQ(error_code(), "");
    EXPECT_FALSE(pull());
    EXPECT_EQ(stat("rejected"), 1u);
    EXPECT_EQ(stat("errors"), 1u);
    EXPECT_EQ(stat("frames"), 0u);
}

TEST_F(Sizeguard, PostsErrorsOfTheRightDomain)
{
    const std::tuple<Data, const char *, int> cases[] = {
        {jpeg_header(10000, 6000), "size-pixels", GST_STREAM_ERROR_FORMAT},
        {bytes_of("hello"), "format-unsupported", GST_STREAM_ERROR_WRONG_TYPE},
        {truncated(make_image({}), 300), "image-truncated", GST_STREAM_ERROR_DECODE},
        {jpeg_header(0, 1), "image-corrupt", GST_STREAM_ERROR_DECODE},
    };
    for (const auto &[data, code, number] : cases) {
        start();
        push(data);
        end();
        const MessagePtr message = pop(GST_MESSAGE_ERROR);
        ASSERT_TRUE(message) << code;
        GError *raw;
        gst_message_parse_error(message.get(), &raw, nullptr);
        const ErrorPtr error(raw);
        EXPECT_EQ(error->domain, GST_STREAM_ERROR) << code;
        EXPECT_EQ(error->code, number) << code;
        gst_element_set_state(element_.get(), GST_STATE_READY);
    }
}

TEST_F(Sizeguard, EndOfStreamBeforeAnyDataIsAnError)
{
    start();
    EXPECT_FALSE(end());
    EXPECT_EQ(error_code(), "image-empty");
}

TEST_F(Sizeguard, EndsWithAnErrorWhereNothingTakesTheFrame)
{
    start();
    const PadPtr source(gst_element_get_static_pad(element_.get(), "src"));
    const PadPtr sink(gst_pad_get_peer(source.get()));
    gst_pad_unlink(source.get(), sink.get());
    EXPECT_EQ(push(make_image({})), GST_FLOW_OK);
    EXPECT_FALSE(end());
    const MessagePtr message = pop(GST_MESSAGE_ERROR);
    ASSERT_TRUE(message);
    const GstStructure *details;
    gst_message_parse_error_details(message.get(), &details);
    int flow = GST_FLOW_OK;
    EXPECT_TRUE(gst_structure_get_int(details, "flow-return", &flow));
    EXPECT_EQ(flow, GST_FLOW_NOT_LINKED);
    EXPECT_FALSE(pop(GST_MESSAGE_ERROR));
    EXPECT_EQ(push(make_image({})), GST_FLOW_ERROR);
}

TEST_F(Sizeguard, AnImageThatCannotBePassedOnIsAnErrorWhateverEndsIt)
{
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_BYTES);
    const auto make_event = [&](int i) {
        return i == 0   ? gst_event_new_segment(&segment)
               : i == 1 ? gst_event_new_caps(CapsPtr(gst_caps_from_string("image/png")).get())
                        : gst_event_new_stream_start("next");
    };
    for (int i = 0; i < 3; ++i) {
        start();
        const PadPtr source(gst_element_get_static_pad(element_.get(), "src"));
        const PadPtr sink(gst_pad_get_peer(source.get()));
        gst_pad_unlink(source.get(), sink.get());
        push(make_image({}));
        gst_harness_push_event(harness(), make_event(i));
        EXPECT_TRUE(pop(GST_MESSAGE_ERROR)) << i;
        gst_pad_link(source.get(), sink.get());
        gst_element_set_state(element_.get(), GST_STATE_READY);
    }
}

TEST_F(Sizeguard, TheEndIsPassedOnWhereNoMoreFramesAreWanted)
{
    start();
    const PadPtr source(gst_element_get_static_pad(element_.get(), "src"));
    const PadPtr sink(gst_pad_get_peer(source.get()));
    gst_pad_set_chain_function(sink.get(), [](GstPad *, GstObject *, GstBuffer *buffer) {
        gst_buffer_unref(buffer);
        return GST_FLOW_EOS;
    });
    push(make_image({}));
    EXPECT_TRUE(end());
    EXPECT_FALSE(pop(GST_MESSAGE_ERROR));
    bool ended = false;
    while (const EventPtr event{gst_harness_try_pull_event(harness())})
        ended = ended || GST_EVENT_TYPE(event.get()) == GST_EVENT_EOS;
    EXPECT_TRUE(ended);
}

TEST_F(Sizeguard, RefusesByTheLengthThatTheSourceKnows)
{
    // filesrc and souphttpsrc answer this query.
    const PadPtr source(gst_pad_get_peer(PadPtr(gst_element_get_static_pad(element_.get(), "sink")).get()));
    gst_pad_set_query_function(source.get(), [](GstPad *pad, GstObject *parent, GstQuery *query) -> gboolean {
        if (GST_QUERY_TYPE(query) != GST_QUERY_DURATION)
            return gst_pad_query_default(pad, parent, query);
        gst_query_set_duration(query, GST_FORMAT_BYTES, 6'000'000);
        return TRUE;
    });
    start();
    EXPECT_EQ(push(truncated(make_image({}), 10)), GST_FLOW_ERROR);
    EXPECT_EQ(error_code(), "size-bytes");
}

TEST_F(Sizeguard, TypesComeFromTheBytesWhateverTheCapsSay)
{
    start(GST_FORMAT_BYTES, "image/gif");
    push(make_image({.suffix = ".png"}));
    EXPECT_TRUE(end());
    EXPECT_TRUE(pull());
}

TEST_F(Sizeguard, GivesRgbaOnlyForTransparencyAndOnlyWhereItIsTaken)
{
    const struct {
        const char *downstream;
        int bands;
        const char *format;
    } cases[] = {
        {"video/x-raw,format={RGB,RGBA}", 3, "format=(string)RGB,"},
        {"video/x-raw,format={RGB,RGBA}", 4, "format=(string)RGBA,"},
        {"video/x-raw,format=RGB", 4, "format=(string)RGB,"},
        {"video/x-raw,format=RGBA", 3, "format=(string)RGBA,"},
    };
    for (const auto &[downstream, bands, format] : cases) {
        downstream_takes(downstream);
        start();
        push(make_image({.suffix = ".png", .bands = bands}));
        EXPECT_TRUE(end());
        EXPECT_TRUE(pull());
        EXPECT_TRUE(has(out_caps(), format)) << out_caps();
        gst_element_set_state(element_.get(), GST_STATE_READY);
    }
}

TEST_F(Sizeguard, SaysSoWhereTheNextElementTakesNeither)
{
    downstream_takes("video/x-raw,format=I420");
    start();
    push(make_image({}));
    EXPECT_FALSE(end());
    EXPECT_EQ(error_code(), "caps-unsupported");
}

TEST_F(Sizeguard, RowsHaveGStreamersStride)
{
    start();
    push(make_image({.suffix = ".png", .width = 5, .height = 4}));
    end();
    const BufferPtr frame = pull();
    ASSERT_TRUE(frame);
    ASSERT_EQ(gst_buffer_get_size(frame.get()), 16u * 4);
    const MappedBuffer mapped(frame.get(), GST_MAP_READ);
    EXPECT_EQ(mapped.data()[16], 255); // red again in the second row
}

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

TEST_F(Sizeguard, ANewStreamEndsTheImageBefore)
{
    start();
    push(make_image({.width = 10}));
    stream(GST_FORMAT_BYTES, nullptr);
    push(make_image({.width = 20}));
    EXPECT_TRUE(end());
    EXPECT_TRUE(pull());
    EXPECT_TRUE(pull());
    EXPECT_EQ(stat("passed"), 2u);
}

TEST_F(Sizeguard, AnErrorEndsWithItsStream)
{
    start();
    EXPECT_EQ(push(jpeg_header(0, 1)), GST_FLOW_ERROR);
    stream(GST_FORMAT_BYTES, nullptr);
    EXPECT_EQ(push(make_image({})), GST_FLOW_OK);
    EXPECT_TRUE(end());
    EXPECT_TRUE(pull());
}

TEST_F(Sizeguard, OrientationTagsAreDroppedWhereThePictureIsTurned)
{
    start();
    GstTagList *tags =
        gst_tag_list_new(GST_TAG_IMAGE_ORIENTATION, "rotate-90", GST_TAG_TITLE, "cat", nullptr);
    gst_harness_push_event(harness(), gst_event_new_tag(tags));
    push(make_image({.orientation = 6}));
    end();
    bool seen = false;
    while (const EventPtr event{gst_harness_try_pull_event(harness())}) {
        if (GST_EVENT_TYPE(event.get()) != GST_EVENT_TAG)
            continue;
        GstTagList *rest;
        gst_event_parse_tag(event.get(), &rest);
        EXPECT_EQ(gst_tag_list_get_tag_size(rest, GST_TAG_IMAGE_ORIENTATION), 0u);
        EXPECT_EQ(gst_tag_list_get_tag_size(rest, GST_TAG_TITLE), 1u);
        seen = true;
    }
    EXPECT_TRUE(seen);
}

TEST_F(Sizeguard, WhatReplacesAnEventHasItsNumber)
{
    start();
    EventPtr tag(gst_event_new_tag(
        gst_tag_list_new(GST_TAG_IMAGE_ORIENTATION, "rotate-90", GST_TAG_TITLE, "cat", nullptr)));
    GstSegment bytes;
    gst_segment_init(&bytes, GST_FORMAT_BYTES);
    EventPtr segment(gst_event_new_segment(&bytes));
    const guint32 tag_number = gst_event_get_seqnum(tag.get());
    const guint32 segment_number = gst_event_get_seqnum(segment.get());
    gst_harness_push_event(harness(), segment.release());
    gst_harness_push_event(harness(), tag.release());
    push(make_image({}));
    end();
    int seen = 0;
    while (const EventPtr event{gst_harness_try_pull_event(harness())}) {
        const GstEventType type = GST_EVENT_TYPE(event.get());
        if (type != GST_EVENT_TAG && type != GST_EVENT_SEGMENT)
            continue;
        EXPECT_EQ(gst_event_get_seqnum(event.get()), type == GST_EVENT_TAG ? tag_number : segment_number);
        ++seen;
    }
    EXPECT_EQ(seen, 2);
}

TEST_F(Sizeguard, AddsWhatItTookToTheLatency)
{
    gst_harness_set_upstream_latency(harness(), 40 * GST_MSECOND);
    start(GST_FORMAT_TIME, "image/jpeg,framerate=1/1");
    push_at(make_image({}), 0);
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

TEST_F(Sizeguard, TellsTheTimeThatARefusedImageTook)
{
    start();
    const Data image = make_image({.suffix = ".jpg[interlace]"});
    push(overwritten(image, find(image, {0xff, 0xda}) + 14, Data(40, 0xaa)));
    EXPECT_FALSE(end());
    const MessagePtr message = pop(GST_MESSAGE_ELEMENT);
    ASSERT_TRUE(message);
    const GstStructure *s = gst_message_get_structure(message.get());
    guint64 decode_time = 0;
    guint64 processing_time = 0;
    gst_structure_get(s, "decode-time", G_TYPE_UINT64, &decode_time, "processing-time", G_TYPE_UINT64,
                      &processing_time, nullptr);
    EXPECT_GT(decode_time, 0u);
    EXPECT_GT(processing_time, decode_time) << "which includes taking the bytes";
    EXPECT_EQ(error_code(), "image-corrupt");
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

TEST_F(Sizeguard, AFlushForgetsTheImageInWork)
{
    start();
    push(truncated(make_image({}), 200));
    gst_harness_push_event(harness(), gst_event_new_flush_start());
    gst_harness_push_event(harness(), gst_event_new_flush_stop(TRUE));
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_BYTES);
    gst_harness_push_event(harness(), gst_event_new_segment(&segment));
    push(make_image({}));
    EXPECT_TRUE(end());
    EXPECT_TRUE(pull());
    EXPECT_EQ(error_code(), "");
}

TEST_F(Sizeguard, StopsAndFlushesInTheMiddleOfAnImageWithoutAnError)
{
    const Data large = make_flat(".jpg[interlace]", 5000, 4000);
    for (const bool flush : {false, true}) {
        start();
        push(large);
        std::thread decoding([this] { end(); });
        if (flush)
            gst_harness_push_event(harness(), gst_event_new_flush_start());
        gst_element_set_state(element_.get(), GST_STATE_READY);
        decoding.join();
        EXPECT_EQ(error_code(), "");
    }
}

TEST_F(Sizeguard, LogsItsVerdictsUnderItsName)
{
    std::vector<std::string> lines;
    const auto collect = [](GstDebugCategory *category, GstDebugLevel, const gchar *, const gchar *, gint,
                            GObject *, GstDebugMessage *message, gpointer lines) {
        if (std::string_view(gst_debug_category_get_name(category)) == "sizeguard")
            static_cast<std::vector<std::string> *>(lines)->emplace_back(gst_debug_message_get(message));
    };
    (gst_debug_add_log_function)(collect, &lines, nullptr); // the macro of that name is not C++
    gst_debug_set_threshold_for_name("sizeguard", GST_LEVEL_LOG);
    start();
    push(make_image({}));
    end();
    stream(GST_FORMAT_BYTES, nullptr);
    push(jpeg_header(0, 1));
    gst_debug_unset_threshold_for_name("sizeguard");
    gst_debug_remove_log_function_by_data(&lines);
    for (const char *expected : {"passed a jpeg of 64x48", "rejected a jpeg of 0x1", "image-corrupt"})
        EXPECT_TRUE(std::any_of(lines.begin(), lines.end(), [expected](const auto &line) {
            return has(line, expected);
        })) << expected;
}

TEST_F(Sizeguard, CanBeStoppedAndStartedAgain)
{
    for (int i = 0; i < 3; ++i) {
        start();
        push(make_image({}));
        EXPECT_TRUE(end());
        EXPECT_TRUE(pull());
        EXPECT_EQ(stat("frames"), 1u);
        gst_element_set_state(element_.get(), GST_STATE_NULL);
    }
}

TEST_F(Sizeguard, PropertiesReadBackWhatWasSet)
{
    const std::pair<const char *, const char *> values[] = {
        {"max-bytes", "1"},   {"max-source-pixels", "2"}, {"max-dimension", "3"},
        {"max-scans", "4"},   {"max-memory", "5"},        {"formats", "png+webp"},
        {"action", "reject"}, {"auto-rotate", "false"},   {"message-interval", "6"},
        {"qos", "false"},
    };
    for (const auto &[name, text] : values) {
        gst_util_set_object_arg(G_OBJECT(element_.get()), name, text);
        GParamSpec *spec = g_object_class_find_property(G_OBJECT_GET_CLASS(element_.get()), name);
        GValue expected = G_VALUE_INIT;
        GValue actual = G_VALUE_INIT;
        g_value_init(&expected, spec->value_type);
        g_value_init(&actual, spec->value_type);
        ASSERT_TRUE(gst_value_deserialize(&expected, text)) << name;
        g_object_get_property(G_OBJECT(element_.get()), name, &actual);
        EXPECT_EQ(gst_value_compare(&expected, &actual), GST_VALUE_EQUAL) << name;
    }
}

TEST_F(Sizeguard, OffersImagesAndWhateverRawFormatComesAfterIt)
{
    downstream_takes("video/x-raw,format=RGB,width=100,height=100");
    start();
    const PadPtr pad(gst_element_get_static_pad(element_.get(), "sink"));
    const CapsPtr caps(gst_pad_query_caps(pad.get(), nullptr));
    const auto takes = [&](const char *text) {
        return gst_caps_can_intersect(caps.get(), CapsPtr(gst_caps_from_string(text)).get());
    };
    EXPECT_TRUE(takes("image/jpeg"));
    EXPECT_TRUE(takes("video/x-raw,format=RGB,width=4000,height=3000"));
    EXPECT_FALSE(takes("video/x-raw,format=I420"));
    EXPECT_FALSE(takes("image/gif"));
}

} // namespace anime::test
