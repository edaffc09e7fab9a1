// SPDX-License-Identifier: LGPL-2.1-or-later
// The element with streams of bytes: how they begin and end, tags, flushes, stopping in the middle.
#include "tests/elements/sizeguard/failing_allocation.h"
#include "tests/elements/sizeguard/sizeguard_fixture.h"

#include <string_view>
#include <thread>

namespace anime::test
{

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
    gst_pad_link(source.get(), sink.get());
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
        start(GST_FORMAT_BYTES, "image/jpeg");
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

TEST_F(Sizeguard, TellsTheTimeThatARefusedImageTook)
{
    start();
    const Data image = make_image({});
    push(truncated(image, image.size() - 60) + Data{0xff, 0xd9});
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

TEST_F(Sizeguard, TagsOutliveAFlushBeforeTheFirstFrame)
{
    start();
    gst_harness_push_event(harness(), gst_event_new_tag(gst_tag_list_new(GST_TAG_TITLE, "cat", nullptr)));
    gst_harness_push_event(
        harness(), gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty("once")));
    push(truncated(make_image({}), 200));
    gst_harness_push_event(harness(), gst_event_new_flush_start());
    gst_harness_push_event(harness(), gst_event_new_flush_stop(TRUE));
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_BYTES);
    gst_harness_push_event(harness(), gst_event_new_segment(&segment));
    push(make_image({}));
    EXPECT_TRUE(end());
    EXPECT_TRUE(pull());
    int tags = 0;
    bool segment_seen = false;
    while (const EventPtr event{gst_harness_try_pull_event(harness())}) {
        EXPECT_NE(GST_EVENT_TYPE(event.get()), GST_EVENT_CUSTOM_DOWNSTREAM)
            << "it was meant for what is gone";
        segment_seen = segment_seen || GST_EVENT_TYPE(event.get()) == GST_EVENT_SEGMENT;
        if (GST_EVENT_TYPE(event.get()) != GST_EVENT_TAG)
            continue;
        EXPECT_TRUE(segment_seen) << "before its segment";
        ++tags;
    }
    EXPECT_EQ(tags, 1);
}

TEST_F(Sizeguard, TheEndOfASegmentEndsTheImage)
{
    start();
    for (int i = 0; i < 2; ++i) {
        push(make_image({}));
        EXPECT_FALSE(pull());
        EXPECT_TRUE(gst_harness_push_event(harness(), i == 0
                                                          ? gst_event_new_segment_done(GST_FORMAT_BYTES, -1)
                                                          : gst_event_new_stream_group_done(1)));
        EXPECT_TRUE(pull());
        GstSegment segment;
        gst_segment_init(&segment, GST_FORMAT_BYTES);
        gst_harness_push_event(harness(), gst_event_new_segment(&segment));
    }
    EXPECT_TRUE(end());
    EXPECT_EQ(error_code(), "");
    EXPECT_EQ(stat("frames"), 2u);
}

TEST_F(Sizeguard, ATruncatedImageIsRefusedAtTheEndOfItsSegment)
{
    start();
    push(truncated(make_image({}), 300));
    EXPECT_FALSE(gst_harness_push_event(harness(), gst_event_new_segment_done(GST_FORMAT_BYTES, -1)));
    EXPECT_EQ(error_code(), "image-truncated");
    EXPECT_FALSE(pull());
}

TEST_F(Sizeguard, GivesAnImageUpWhereAllocatingThrows)
{
    const Data image = make_image({.width = 16, .height = 16});
    int failures = 0;
    bool whole = false;
    for (int nth = 1; !whole; ++nth) {
        ASSERT_LT(nth, 1000);
        start();
        BufferPtr head = buffer_of(truncated(image, 300));
        BufferPtr rest = buffer_of(Data(image.begin() + 300, image.end()));
        fail_allocation(nth);
        const bool taken = gst_harness_push(harness(), head.release()) == GST_FLOW_OK &&
                           gst_harness_push(harness(), rest.release()) == GST_FLOW_OK && end();
        whole = fail_allocation(0);
        if (!whole) {
            ++failures;
            EXPECT_FALSE(taken) << nth;
            EXPECT_NE(push(image), GST_FLOW_OK) << "behind an image that is lost, " << nth;
            EXPECT_EQ(error_code(), "out-of-memory") << nth;
            EXPECT_EQ(error_code(), "") << "once, " << nth;
            EXPECT_FALSE(pull());
            stream(GST_FORMAT_BYTES, nullptr);
            EXPECT_EQ(push(image), GST_FLOW_OK);
            EXPECT_TRUE(end());
        } else {
            EXPECT_TRUE(taken);
        }
        EXPECT_TRUE(pull()) << nth;
        EXPECT_EQ(error_code(), "");
        gst_element_set_state(element_.get(), GST_STATE_READY);
    }
    EXPECT_GT(failures, 5);
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

} // namespace anime::test
