// SPDX-License-Identifier: LGPL-2.1-or-later
// animeganfilter: what comes out for what goes in.
#include "elements/overlay/face_overlay.h"
#include "filter_fixture.h"

#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>
#include <gst/video/gstvideometa.h>

#include <cstring>

namespace anime
{
namespace
{

using Frames = OneOrSeveralFrames;

INSTANTIATE_TEST_SUITE_P(Painted, Frames, ::testing::Values(1U, 3U), one_or_several);

int pattern(int x, int y, int c)
{
    return (x * 7 + y * 13 + c * 61) & 0xff;
}
int inverted_pattern(int x, int y, int c)
{
    return c == 3 ? pattern(x, y, c) : 255 - pattern(x, y, c);
}

// Odd widths have rows that are longer than their pixels; alpha is never painted.
TEST_P(Frames, AnySizeComesOutAtTheSameSize)
{
    struct Case {
        int width, height;
        const char *format;
    };
    const Case cases[] = {{1, 1, "RGB"},  {1, 7, "RGB"},  {3, 5, "RGB"},  {1921, 1081, "RGB"},
                          {1, 1, "RGBA"}, {5, 3, "RGBA"}, {640, 1, "RGB"}};
    start(inverting_painter());
    for (const Case &c : cases) {
        SCOPED_TRACE(std::to_string(c.width) + "x" + std::to_string(c.height) + " " + c.format);
        set_caps(c.width, c.height, c.format); // also: caps that change in mid-stream
        const BufferPtr out = through(frame(pattern));
        ASSERT_TRUE(out);
        EXPECT_EQ(gst_buffer_get_size(out.get()), GST_VIDEO_INFO_SIZE(&info_));
        EXPECT_EQ(differences(out, inverted_pattern), 0);
    }
}

// A frame from a decoder or a camera: rows 64 bytes apart, the first one after 32, and larger than the caps.
TEST_P(Frames, StridesComeFromTheVideoMeta)
{
    start(inverting_painter(), 5, 3);
    BufferPtr buffer(gst_buffer_new_allocate(nullptr, 1024, nullptr));
    gsize offset[GST_VIDEO_MAX_PLANES] = {32};
    gint stride[GST_VIDEO_MAX_PLANES] = {64};
    gst_buffer_add_video_meta_full(buffer.get(), GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_RGB, 8, 6, 1,
                                   offset, stride);
    fill(buffer.get(), pattern);
    const BufferPtr out = through(std::move(buffer));
    // The output's own meta is a copy of the input's or none; it is read by the caps either way.
    EXPECT_EQ(differences(out, inverted_pattern), 0);
}

TEST_P(Frames, StrengthBlendsExactly)
{
    struct Case {
        double strength;
        int expected;
        int calls;
    };
    const Case cases[] = {{1, 200, 1}, {0.5, 150, 2}, {0, 100, 2}};
    const auto painter = flat_painter({200, 200, 200});
    start(painter);
    for (const Case &c : cases) {
        SCOPED_TRACE(c.strength);
        g_object_set(element_.get(), "strength", c.strength, nullptr);
        EXPECT_EQ(level_of(through(flat_frame(100))), c.expected);
        EXPECT_EQ(painter->calls, c.calls) << "nothing is painted that is not seen";
    }
}

TEST_P(Frames, StrengthZeroCopiesThePhotoWithItsAlpha)
{
    start(inverting_painter(), 5, 3, "RGBA");
    g_object_set(element_.get(), "strength", 0.0, nullptr);
    EXPECT_EQ(differences(through(frame(pattern)), pattern), 0);
}

// The photo has two levels, 40 and 220, and so has the painting, 90 and 160: a curve reaches both, a factor
// the mean alone.
TEST_P(Frames, ToneIsMatchedAsAsked)
{
    const auto photo = [](int x, int, int) { return x < 2 ? 40 : 220; };
    struct Case {
        const char *property;
        const char *value;
        int dark;
        int bright;
    };
    const Case cases[] = {
        {"match-tone", "off", 90, 160},         {"match-tone", "mean", 94, 166},
        {"match-tone", "full", 40, 220},        {"match-tone", "auto", 40, 220},
        {"match-brightness", "false", 90, 160}, {"match-brightness", "true", 94, 166},
    };
    start(std::make_shared<FakePainter>([](const std::uint8_t *rgb) {
        return rgb[0] < 100 ? Colour{90, 90, 90} : Colour{160, 160, 160};
    }));
    for (const Case &c : cases) {
        SCOPED_TRACE(std::string(c.property) + "=" + c.value);
        gst_util_set_object_arg(G_OBJECT(element_.get()), c.property, c.value);
        EXPECT_EQ(
            differences(through(frame(photo)), [&](int x, int, int) { return x < 2 ? c.dark : c.bright; }),
            0);
    }
}

TEST_P(Frames, MaxDimensionBoundsWhatIsPainted)
{
    const auto painter = flat_painter({200, 200, 200});
    g_object_set(element_.get(), "max-dimension", 100, nullptr);
    start(painter, 333, 222);
    EXPECT_EQ(level_of(through(flat_frame(100))), 200);
    EXPECT_EQ(painter->width, 100);
    EXPECT_EQ(painter->height, 67);
}

// A flush, and a seek or another stream without one, has a segment behind it.
TEST_P(Frames, SmoothingIsOfOneStreamAndEndsWithAFlush)
{
    int level = 100;
    set_painter_opener(element_.get(), [&level](const PaintSettings &) {
        return std::make_shared<FakePainter>([&level](const std::uint8_t *) {
            return Colour{std::uint8_t(level), std::uint8_t(level), std::uint8_t(level)};
        });
    });
    g_object_set(element_.get(), "temporal-smoothing", 0.5, nullptr);
    start();
    for (const bool flush : {true, false}) {
        SCOPED_TRACE(flush);
        level = 100;
        EXPECT_EQ(level_of(through(flat_frame(50))), 100);
        level = 200;
        EXPECT_EQ(level_of(through(flat_frame(50))), 150);
        if (flush) {
            gst_harness_push_event(harness_.get(), gst_event_new_flush_start());
            gst_harness_push_event(harness_.get(), gst_event_new_flush_stop(TRUE));
        }
        GstSegment segment;
        gst_segment_init(&segment, GST_FORMAT_TIME);
        gst_harness_push_event(harness_.get(), gst_event_new_segment(&segment));
        EXPECT_EQ(level_of(through(flat_frame(50))), 200);
        set_caps(flush ? 5 : 4, 4); // starts over too
    }
}

// What is none of its business goes by: tags down, mouse and keys up.
TEST_P(Frames, TagsAndNavigationPass)
{
    start(copying_painter());
    gst_harness_push_event(harness_.get(),
                           gst_event_new_tag(gst_tag_list_new(GST_TAG_TITLE, "a title", nullptr)));
    through(flat_frame(100));
    bool seen = false;
    while (const EventPtr event{gst_harness_try_pull_event(harness_.get())})
        if (GST_EVENT_TYPE(event.get()) == GST_EVENT_TAG)
            seen = true;
    EXPECT_TRUE(seen);

    while (const EventPtr event{gst_harness_try_pull_upstream_event(harness_.get())})
        continue;
    gst_harness_push_upstream_event(
        harness_.get(), gst_event_new_navigation(gst_structure_new_empty("application/x-gst-navigation")));
    const EventPtr up(gst_harness_try_pull_upstream_event(harness_.get()));
    ASSERT_TRUE(up);
    EXPECT_EQ(GST_EVENT_TYPE(up.get()), GST_EVENT_NAVIGATION);
}

// Presets keep what can be set, and nothing that undoes another of it.
TEST_P(Frames, PresetsKeepTheSettings)
{
    ASSERT_TRUE(GST_IS_PRESET(element_.get()));
    gchar **names = gst_preset_get_property_names(GST_PRESET(element_.get()));
    for (const char *kept : {"model", "strength", "match-tone", "temporal-smoothing", "target-framerate"})
        EXPECT_TRUE(g_strv_contains(names, kept)) << kept;
    EXPECT_FALSE(g_strv_contains(names, "match-brightness"));
    g_strfreev(names);
}

// Strength is animated by stream time: 0 at the start of the stream, 1 after a second.
TEST_P(Frames, ControlledStrengthFollowsStreamTime)
{
    GstControlSource *source = gst_interpolation_control_source_new();
    g_object_set(source, "mode", GST_INTERPOLATION_MODE_LINEAR, nullptr);
    gst_timed_value_control_source_set(GST_TIMED_VALUE_CONTROL_SOURCE(source), 0, 0.0);
    gst_timed_value_control_source_set(GST_TIMED_VALUE_CONTROL_SOURCE(source), GST_SECOND, 1.0);
    gst_object_add_control_binding(
        GST_OBJECT(element_.get()),
        gst_direct_control_binding_new_absolute(GST_OBJECT(element_.get()), "strength", source));
    gst_object_unref(source);

    start(flat_painter({200, 200, 200}));
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    segment.start = 10 * GST_SECOND; // timestamps from 10 s on are stream time from 0 on
    gst_harness_push_event(harness_.get(), gst_event_new_segment(&segment));
    EXPECT_EQ(level_of(through(flat_frame(100, 10 * GST_SECOND))), 100);
    EXPECT_EQ(level_of(through(flat_frame(100, 10 * GST_SECOND + GST_SECOND / 2))), 150);
    EXPECT_EQ(level_of(through(flat_frame(100, 11 * GST_SECOND))), 200);
}

TEST_P(Frames, RegionsOfInterestStay)
{
    start(flat_painter({200, 200, 200}));
    BufferPtr buffer = flat_frame(100);
    gst_buffer_add_video_region_of_interest_meta(buffer.get(), "face", 1, 2, 3, 4);
    const BufferPtr out = through(std::move(buffer));
    const auto *roi = reinterpret_cast<GstVideoRegionOfInterestMeta *>(
        gst_buffer_get_meta(out.get(), GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE));
    ASSERT_TRUE(roi);
    EXPECT_EQ(roi->roi_type, g_quark_from_static_string("face"));
    EXPECT_EQ(roi->x, 1U);
    EXPECT_EQ(roi->h, 4U);
}

/// A face of 2×2 pixels at (1, 1), dark on the left and light on the right.
Patch face()
{
    return {.x = 1,
            .y = 1,
            .width = 2,
            .height = 2,
            .rgba = {40, 40, 40, 255, 60, 60, 60, 255, 40, 40, 40, 255, 60, 60, 60, 255}};
}

GstVideoOverlayComposition *subtitle()
{
    const BufferPtr pixels(gst_buffer_new_allocate(nullptr, 4, nullptr));
    gst_buffer_memset(pixels.get(), 0, 0xff, 4);
    gst_buffer_add_video_meta(pixels.get(), GST_VIDEO_FRAME_FLAG_NONE,
                              GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, 1, 1);
    GstVideoOverlayRectangle *rectangle =
        gst_video_overlay_rectangle_new_raw(pixels.get(), 0, 0, 1, 1, GST_VIDEO_OVERLAY_FORMAT_FLAG_NONE);
    GstVideoOverlayComposition *composition = gst_video_overlay_composition_new(rectangle);
    gst_video_overlay_rectangle_unref(rectangle);
    return composition;
}

// The face gets the mean of the painted frame and, as that is flat, the least contrast that a match leaves:
// 40 and 60 become 195 and 205 on 200. Then strength applies to the face as to the rest.
TEST_P(Frames, PaintedFacesAreBlendedAndRemoved)
{
    for (const char *format : {"RGB", "RGBA"}) {
        for (const double strength : {1.0, 0.5}) {
            SCOPED_TRACE(std::string(format) + " " + std::to_string(strength));
            g_object_set(element_.get(), "strength", strength, nullptr);
            start(flat_painter({200, 200, 200}), 4, 4, format);
            BufferPtr buffer = flat_frame(100);
            const Patch patches[] = {face()};
            attach_face_patches(buffer.get(), patches);
            const BufferPtr out = through(std::move(buffer));
            EXPECT_FALSE(gst_buffer_get_video_overlay_composition_meta(out.get()));
            EXPECT_EQ(differences(out,
                                  [strength](int x, int y, int c) {
                                      const bool in_face = x >= 1 && x <= 2 && y >= 1 && y <= 2;
                                      const int painted = !in_face ? 200 : x == 1 ? 195 : 205;
                                      return c == 3 ? 100 : int(100 + (painted - 100) * strength + 0.5);
                                  }),
                      0);
            renew();
        }
    }
}

TEST_P(Frames, OtherOverlaysStayForWhoeverShowsThem)
{
    start(flat_painter({200, 200, 200}));
    BufferPtr buffer = flat_frame(100);
    GstVideoOverlayComposition *composition = subtitle();
    gst_buffer_add_video_overlay_composition_meta(buffer.get(), composition);
    gst_video_overlay_composition_unref(composition);
    const Patch patches[] = {face()};
    attach_face_patches(buffer.get(), patches);

    const BufferPtr out = through(std::move(buffer));
    const auto *meta = gst_buffer_get_video_overlay_composition_meta(out.get());
    ASSERT_TRUE(meta);
    EXPECT_EQ(gst_video_overlay_composition_n_rectangles(meta->overlay), 1U);
    EXPECT_TRUE(read_face_patches(out.get()).empty());
    EXPECT_NE(differences(out, [](int, int, int) { return 200; }), 0) << "the face is in the picture";
}

TEST_P(Frames, TheMessageSaysWhatWasPaintedByWhat)
{
    start(flat_painter({200, 200, 200}, "hayao"), 6, 4);
    through(flat_frame(100, GST_SECOND));
    const MessagePtr message = pop(GST_MESSAGE_ELEMENT);
    ASSERT_TRUE(message);
    const GstStructure *fields = gst_message_get_structure(message.get());
    EXPECT_STREQ(gst_structure_get_name(fields), "animeganfilter");
    for (const char *name : {"timestamp", "stream-time", "running-time", "duration", "processing-time"})
        EXPECT_TRUE(gst_structure_has_field_typed(fields, name, G_TYPE_UINT64)) << name;

    const std::pair<const char *, const char *> strings[] = {
        {"model", "hayao"}, {"digest", "d1935"},  {"executor", "fake-executor"},
        {"device", "cpu"},  {"precision", "f32"}, {"isa", "paper"}};
    for (const auto &[name, value] : strings)
        EXPECT_STREQ(gst_structure_get_string(fields, name), value) << name;
    const std::pair<const char *, guint64> numbers[] = {
        {"inference-time", 22}, {"wait-time", 11}, {"memory", 33}, {"timestamp", GST_SECOND}};
    for (const auto &[name, expected] : numbers) {
        guint64 value = 0;
        EXPECT_TRUE(gst_structure_get_uint64(fields, name, &value)) << name;
        EXPECT_EQ(value, expected) << name;
    }
    gint width = 0;
    gint height = 0;
    EXPECT_TRUE(
        gst_structure_get(fields, "width", G_TYPE_INT, &width, "height", G_TYPE_INT, &height, nullptr));
    EXPECT_EQ(width, 6);
    EXPECT_EQ(height, 4);
    EXPECT_EQ(stat("frames"), 1U);
    EXPECT_EQ(stat("memory"), 33U);
}

// `stats` has the times of the last frame, as the message has, and those of all.
TEST_P(Frames, StatsHaveTheLastFrameAndTheTotals)
{
    start(flat_painter({200, 200, 200}));
    for (int i = 0; i < 3; ++i)
        through(flat_frame(100));
    EXPECT_EQ(stat("inference-time"), 22U);
    EXPECT_EQ(stat("wait-time"), 11U);
    EXPECT_EQ(stat("inference-time-total"), 66U);
    EXPECT_EQ(stat("wait-time-total"), 33U);
}

TEST_P(Frames, MessageIntervalLimitsMessagesAndNotTheCount)
{
    g_object_set(element_.get(), "message-interval", guint64{GST_SECOND}, nullptr);
    start(flat_painter({200, 200, 200}));
    for (int i = 0; i < 30; ++i)
        through(flat_frame(100, i * 40 * GST_MSECOND));
    int messages = 0;
    while (pop(GST_MESSAGE_ELEMENT))
        ++messages;
    EXPECT_EQ(messages, 2);
    EXPECT_EQ(stat("frames"), 30U);
}

} // namespace
} // namespace anime
