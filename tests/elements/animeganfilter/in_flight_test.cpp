// SPDX-License-Identifier: LGPL-2.1-or-later
// animeganfilter with several frames in flight: what comes out is what one frame after the other would give,
// in the same order among events.
#include "in_flight_fixture.h"
#include "tests/models/temporary_folder.h"
#include "tests/models/tiny_models.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <iterator>
#include <latch>

namespace anime
{
namespace
{

TEST_F(InFlight, FramesArePaintedAtTheSameTime)
{
    std::latch all(at_once);
    start(painter_of([&all](int) { all.arrive_and_wait(); }), 1, 1); // for ever, were it fewer
    push_levels(1, at_once);
    drain();
    for (int level = 1; level <= at_once; ++level)
        EXPECT_EQ(level_of(pull()), level);
}

TEST_F(InFlight, FramesComeOutInTheirOrderWhicheverIsDoneFirst)
{
    std::latch last_done(1);
    start(painter_of([&last_done](int level) {
              if (level == at_once)
                  last_done.count_down();
              else
                  last_done.wait();
          }),
          1, 1);
    push_levels(1, at_once);
    drain();
    for (int level = 1; level <= at_once; ++level)
        EXPECT_EQ(level_of(pull()), level);
}

// Also behind the first frame of a stream, which is marked as such.
TEST_F(InFlight, AFrameComesOutOnceSoManyMoreHaveComeIn)
{
    start(copying_painter());
    for (int level = 1; level <= 20; ++level) {
        BufferPtr in =
            flat_frame(static_cast<std::uint8_t>(level), static_cast<GstClockTime>(level) * 40 * GST_MSECOND);
        if (level == 1)
            GST_BUFFER_FLAG_SET(in.get(), GST_BUFFER_FLAG_DISCONT);
        EXPECT_EQ(push(std::move(in)), GST_FLOW_OK);
        const BufferPtr out = pull();
        ASSERT_EQ(bool(out), level > in_flight) << level;
        if (!out)
            continue;
        EXPECT_EQ(level_of(out), level - in_flight);
        EXPECT_EQ(GST_BUFFER_PTS(out.get()), static_cast<GstClockTime>(level - in_flight) * 40 * GST_MSECOND);
        EXPECT_EQ(GST_BUFFER_DURATION(out.get()), 40 * GST_MSECOND);
        EXPECT_EQ(GST_BUFFER_IS_DISCONT(out.get()), level - in_flight == 1);
    }
    push_event(gst_event_new_eos());
    for (int level = 21 - in_flight; level <= 20; ++level)
        EXPECT_EQ(level_of(pull()), level);
    EXPECT_FALSE(pull());
    EXPECT_EQ(stat("frames"), 20U);
}

// Whatever is behind five frames comes out behind five frames.
TEST_F(InFlight, WhatComesBetweenTwoFramesStaysThere)
{
    struct Case {
        const char *name;
        std::function<void()> send;
    };
    const Case cases[] = {
        {"tag", [this] { push_event(gst_event_new_tag(gst_tag_list_new_empty())); }},
        {"gap", [this] { push_event(gst_event_new_gap(GST_SECOND, GST_SECOND)); }},
        {"custom-downstream",
         [this] {
             push_event(
                 gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty("of-a-test")));
         }},
        {"segment", [this] { push_segment(); }},
        {"caps", [this] { set_caps(8, 2); }},
        {"eos", [this] { push_event(gst_event_new_eos()); }},
    };
    for (const Case &c : cases) {
        SCOPED_TRACE(c.name);
        start(copying_painter());
        record();
        push_levels(1, 5);
        // What a GstHarness sends before the first frame.
        std::erase_if(recorded_, [](const std::string &what) { return !std::isdigit(what[0]); });
        c.send();
        if (c.name != std::string("eos")) {
            push_levels(6, 8);
            drain();
        }
        std::vector<std::string> expected = levels(1, 5);
        expected.emplace_back(c.name);
        if (c.name == std::string("caps"))
            expected.emplace_back("segment"); // which a GstHarness sends behind caps
        if (c.name != std::string("eos"))
            std::ranges::copy(levels(6, 8), std::back_inserter(expected));
        EXPECT_EQ(recorded_, expected);
        recorded_.clear();
        renew();
    }
}

// The first frame behind a gap is marked, and no other.
TEST_F(InFlight, DiscontStaysOnItsFrame)
{
    start(copying_painter());
    push_levels(1, 5);
    BufferPtr sixth = flat_frame(6, GST_SECOND);
    GST_BUFFER_FLAG_SET(sixth.get(), GST_BUFFER_FLAG_DISCONT);
    EXPECT_EQ(push(std::move(sixth)), GST_FLOW_OK);
    push_levels(7, 9);
    drain();
    for (int level = 1; level <= 9; ++level) {
        const BufferPtr out = pull();
        ASSERT_TRUE(out);
        EXPECT_EQ(level_of(out), level);
        EXPECT_EQ(GST_BUFFER_FLAG_IS_SET(out.get(), GST_BUFFER_FLAG_DISCONT), level == 6) << level;
    }
}

// The moving picture has noise, a light that wanders, and a cut in its middle.
TEST_F(InFlight, ToneAndSmoothingAreThoseOfOneFrameAfterTheOther)
{
    struct Case {
        const char *format;
        int max_dimension;
    };
    const Case cases[] = {{"RGB", 0}, {"RGBA", 0}, {"RGB", 20}};
    const auto scene = [this](int n) {
        return frame(
            [n](int x, int y, int c) {
                const double light = 20 * std::sin(n / 5.0) + (n < 20 ? 0 : 90);
                const int noise = (x * 31 + y * 17 + n * 13 + c * 7) % 11;
                return static_cast<std::uint8_t>(std::clamp(60 + 2 * x + 3 * y + light + noise, 0.0, 255.0));
            },
            static_cast<GstClockTime>(n) * 40 * GST_MSECOND);
    };
    const auto paint = [&](const Case &c, int frames_in_flight) {
        renew();
        gst_util_set_object_arg(G_OBJECT(element_.get()), "match-tone", "full");
        g_object_set(element_.get(), "temporal-smoothing", 0.5, "max-dimension", c.max_dimension,
                     "frames-in-flight", frames_in_flight, nullptr);
        start(std::make_shared<FakePainter>([](const std::uint8_t *rgb) {
                  return Colour{std::uint8_t(rgb[0] / 2 + 30), std::uint8_t(rgb[1] / 3 + 60),
                                std::uint8_t(rgb[2] / 2)};
              }),
              32, 21, c.format); // a width whose rows have no bytes without meaning
        std::vector<std::vector<std::uint8_t>> pictures;
        for (int n = 0; n < 40; ++n) {
            // What is set while the stream plays is for the frames behind it.
            g_object_set(element_.get(), "strength", n < 10 ? 1.0 : n < 15 ? 0.0 : 0.75, nullptr);
            EXPECT_EQ(push(scene(n)), GST_FLOW_OK);
        }
        drain();
        while (const BufferPtr out = pull()) {
            pictures.emplace_back(gst_buffer_get_size(out.get()));
            gst_buffer_extract(out.get(), 0, pictures.back().data(), pictures.back().size());
        }
        return pictures;
    };
    for (const Case &c : cases) {
        SCOPED_TRACE(std::string(c.format) + " " + std::to_string(c.max_dimension));
        const auto alone = paint(c, 1);
        ASSERT_EQ(alone.size(), 40U);
        for (const int frames_in_flight : {2, 5})
            EXPECT_TRUE(paint(c, frames_in_flight) == alone) << frames_in_flight;
    }
}

TEST_F(InFlight, ARealPainterMakesTheSameOfThem)
{
    const test::TemporaryFolder folder;
    const std::string path = (folder.path() / "tiny.safetensors").string();
    write_safetensors(path, test::lite_model());
    const auto paint = [&](int frames_in_flight) {
        renew();
        g_object_set(element_.get(), "model", path.c_str(), "precision", 1 /* f32 */, "threads",
                     frames_in_flight, "frames-in-flight", frames_in_flight, nullptr);
        FilterTest::start(60, 44);
        std::vector<std::vector<std::uint8_t>> pictures;
        for (int n = 0; n < 12; ++n)
            EXPECT_EQ(
                push(frame([n](int x, int y, int c) { return (x * 5 + y * 3 + c * 40 + n * 9) & 255; })),
                GST_FLOW_OK);
        drain();
        while (const BufferPtr out = pull()) {
            pictures.emplace_back(gst_buffer_get_size(out.get()));
            gst_buffer_extract(out.get(), 0, pictures.back().data(), pictures.back().size());
        }
        return pictures;
    };
    const auto alone = paint(1);
    ASSERT_EQ(alone.size(), 12U);
    EXPECT_TRUE(paint(3) == alone);
}

TEST_F(InFlight, EachFrameIsPaintedInTheStyleOfItsTime)
{
    set_painter_opener(element_.get(), [](const PaintSettings &settings) {
        const auto level = static_cast<std::uint8_t>(settings.model == "dark" ? 10 : 200);
        return flat_painter({level, level, level}, settings.model.c_str());
    });
    FilterTest::start();
    std::vector<int> expected;
    for (const char *style : {"dark", "bright", "dark"}) {
        g_object_set(element_.get(), "model", style, nullptr);
        for (int i = 0; i < 3; ++i) {
            push_levels(100, 100);
            expected.push_back(style == std::string("dark") ? 10 : 200);
        }
    }
    drain();
    for (const int level : expected)
        EXPECT_EQ(level_of(pull()), level);
}

} // namespace
} // namespace anime
