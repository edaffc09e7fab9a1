// SPDX-License-Identifier: LGPL-2.1-or-later
// The element with streams of bytes: frames, caps, messages, errors, properties. How streams begin and end is
// in sizeguard_events_test.cpp, frames with times are in sizeguard_video_test.cpp.
#include "tests/elements/sizeguard/sizeguard_fixture.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace anime::test
{

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

TEST_F(Sizeguard, TellsHowTheColoursWereUnderstood)
{
    const Data image = make_image({});
    const auto with_profile = [&](const Data &profile) {
        return with_markers(image, jpeg_marker(0xe2, bytes_of("ICC_PROFILE") + Data{0, 1, 1} + profile));
    };
    const std::tuple<Data, const char *, const char *> cases[] = {
        {image, "srgb", nullptr},
        {with_profile(swapping_profile()), "icc", nullptr},
        {with_profile(bytes_of("none")), "srgb", "icc-broken"},
    };
    for (const auto &[data, source, fault] : cases) {
        start();
        push(data);
        end();
        const MessagePtr message = pop(GST_MESSAGE_ELEMENT);
        ASSERT_TRUE(message);
        const GstStructure *s = gst_message_get_structure(message.get());
        EXPECT_STREQ(gst_structure_get_string(s, "colours"), source);
        EXPECT_STREQ(gst_structure_get_string(s, "colour-fault"), fault);
        EXPECT_EQ(error_code(), "");
        gst_element_set_state(element_.get(), GST_STATE_READY);
    }
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
