// SPDX-License-Identifier: LGPL-2.1-or-later
// animeganfilter: models that come and go, errors, stopping in the middle, many threads.
#include "filter_fixture.h"
#include "tests/elements/broken_allocator.h"

#include <map>
#include <new>
#include <stdexcept>
#include <thread>

namespace anime
{
namespace
{

using States = FilterTest;
using StatesInBothModes = OneOrSeveralFrames;

INSTANTIATE_TEST_SUITE_P(Painted, StatesInBothModes, ::testing::Values(1U, 3U), one_or_several);

PainterOpener failing_opener(const char *code)
{
    return [code](const PaintSettings &) -> std::shared_ptr<Painter> {
        throw Error(code, "It can't be opened.");
    };
}

// The element does not start without a painter, and says why.
TEST_F(States, AModelThatCannotBeOpenedFailsToStart)
{
    struct Case {
        const char *code;
        GQuark domain;
    };
    const Case cases[] = {
        {"model-missing", GST_RESOURCE_ERROR},     {"model-invalid", GST_RESOURCE_ERROR},
        {"model-unsupported", GST_RESOURCE_ERROR}, {"executor-missing", GST_RESOURCE_ERROR},
        {"device-missing", GST_RESOURCE_ERROR},    {"precision-unsupported", GST_RESOURCE_ERROR},
        {"out-of-memory", GST_RESOURCE_ERROR},
    };
    for (const Case &c : cases) {
        SCOPED_TRACE(c.code);
        set_painter_opener(element_.get(), failing_opener(c.code));
        EXPECT_EQ(gst_element_set_state(element_.get(), GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
        const PostedError error = pop_error();
        EXPECT_EQ(error.code, c.code);
        EXPECT_EQ(error.domain, c.domain);
        gst_element_set_state(element_.get(), GST_STATE_NULL);
    }
}

TEST_F(States, ThePainterIsOpenedWithTheProperties)
{
    PaintSettings seen;
    set_painter_opener(element_.get(), [&seen](const PaintSettings &settings) {
        seen = settings;
        return flat_painter({0, 0, 0});
    });
    gst_util_set_object_arg(G_OBJECT(element_.get()), "executor", "torch");
    gst_util_set_object_arg(G_OBJECT(element_.get()), "precision", "bf16");
    g_object_set(element_.get(), "model", "paprika", "device", "cuda:1", "threads", 3, nullptr);
    start();
    const PaintSettings expected = {"paprika", "torch", "cuda:1", "bf16", 3};
    EXPECT_EQ(seen, expected);
}

TEST_F(States, PropertiesReadBackWhatWasSet)
{
    const std::pair<const char *, const char *> values[] = {
        {"model", "paprika"},          {"executor", "onednn"},     {"device", "cpu"},
        {"precision", "int8"},         {"threads", "7"},           {"max-dimension", "512"},
        {"strength", "0.25"},          {"match-tone", "mean"},     {"target-framerate", "25/1"},
        {"temporal-smoothing", "0.5"}, {"message-interval", "42"}, {"qos", "false"},
    };
    for (const auto &[name, value] : values) {
        SCOPED_TRACE(name);
        gst_util_set_object_arg(G_OBJECT(element_.get()), name, value);
        GValue read = G_VALUE_INIT;
        g_object_get_property(G_OBJECT(element_.get()), name, &read);
        const StringPtr text(gst_value_serialize(&read));
        const std::string expected = value;
        EXPECT_EQ(std::string(text.get()).substr(0, expected.size()), expected);
        g_value_unset(&read);
    }
    g_object_set(element_.get(), "model", nullptr, nullptr);
    gchar *model = nullptr;
    g_object_get(element_.get(), "model", &model, nullptr);
    EXPECT_STREQ(StringPtr(model).get(), "default");
}

/// Opens a flat painter by name: "dark" 10, "bright" 200; anything else is missing.
PainterOpener two_models(int *opened)
{
    return [opened](const PaintSettings &settings) -> std::shared_ptr<Painter> {
        static const std::map<std::string, std::uint8_t> levels = {{"dark", 10}, {"bright", 200}};
        ++*opened;
        const auto found = levels.find(settings.model);
        if (found == levels.end())
            throw Error("model-missing", "No such model.");
        const std::uint8_t level = found->second;
        return flat_painter({level, level, level}, found->first.c_str());
    };
}

TEST_P(StatesInBothModes, TheModelChangesBetweenFrames)
{
    int opened = 0;
    set_painter_opener(element_.get(), two_models(&opened));
    g_object_set(element_.get(), "model", "dark", nullptr);
    start();
    EXPECT_EQ(level_of(through(flat_frame(100))), 10);
    g_object_set(element_.get(), "model", "bright", nullptr);
    EXPECT_EQ(level_of(through(flat_frame(100))), 200);
    g_object_set(element_.get(), "model", "bright", nullptr);
    EXPECT_EQ(level_of(through(flat_frame(100))), 200);
    EXPECT_EQ(opened, 2) << "the same name again opens nothing";
}

// Never an untouched picture, nor one in the old style: the stream ends with the reason.
TEST_P(StatesInBothModes, ABadModelWhilePlayingEndsTheStream)
{
    int opened = 0;
    set_painter_opener(element_.get(), two_models(&opened));
    g_object_set(element_.get(), "model", "dark", nullptr);
    start();
    through(flat_frame(100));
    g_object_set(element_.get(), "model", "no such", nullptr);
    EXPECT_EQ(push(flat_frame(100)), GST_FLOW_ERROR);
    EXPECT_FALSE(pull());
    EXPECT_EQ(pop_error().code, "model-missing");
    EXPECT_EQ(stat("errors"), 1U);
    // It keeps failing until the model is one again, also the one before.
    EXPECT_EQ(push(flat_frame(100)), GST_FLOW_ERROR);
    g_object_set(element_.get(), "model", "dark", nullptr);
    EXPECT_EQ(level_of(through(flat_frame(100))), 10);
}

TEST_F(States, AFrameThatCannotBePaintedIsAnError)
{
    struct Case {
        const char *code;
        std::function<void()> fail;
    };
    const Case cases[] = {
        {"out-of-memory", [] { throw Error("out-of-memory", "No memory."); }},
        {"out-of-memory", [] { throw std::bad_alloc(); }},
        {"internal", [] { throw std::runtime_error("a bug"); }},
        {"internal", [] { throw 42; }},
    };
    for (const Case &c : cases) {
        SCOPED_TRACE(c.code);
        start(std::make_shared<FakePainter>([&c](const std::uint8_t *) {
            c.fail();
            return Colour{};
        }));
        EXPECT_EQ(push(flat_frame(100)), GST_FLOW_ERROR);
        EXPECT_FALSE(pull());
        EXPECT_EQ(pop_error().code, c.code);
        EXPECT_EQ(stat("errors"), 1U);
        renew();
    }
}

// Fewer bytes than the caps promise: an error, and no frame with whatever was in memory.
TEST_P(StatesInBothModes, AFrameThatIsTooSmallIsAnError)
{
    start(flat_painter({200, 200, 200}), 16, 16);
    EXPECT_EQ(push(BufferPtr(gst_buffer_new_allocate(nullptr, 100, nullptr))), GST_FLOW_ERROR);
    EXPECT_FALSE(pull());
    const PostedError error = pop_error();
    EXPECT_EQ(error.code, "frame-invalid");
    EXPECT_NE(error.text.find("the element before"), std::string::npos) << error.text;
    EXPECT_EQ(stat("errors"), 1U);
}

// The element behind chose memory that can't be written: the one before is not to blame.
TEST_P(StatesInBothModes, ABufferThatCannotBeWrittenIsAnError)
{
    set_painter_opener(element_.get(), [](const PaintSettings &) { return flat_painter({200, 200, 200}); });
    harness_.reset(gst_harness_new_with_element(element_.get(), "sink", "src"));
    gst_harness_set_propose_allocator(harness_.get(), make_broken_allocator(true), nullptr);
    set_caps(16, 16);
    EXPECT_EQ(push(flat_frame(100)), GST_FLOW_ERROR);
    EXPECT_FALSE(pull());
    const PostedError error = pop_error();
    EXPECT_EQ(error.code, "frame-invalid");
    EXPECT_NE(error.text.find("the element behind"), std::string::npos) << error.text;
}

TEST_P(StatesInBothModes, AVideoMetaSmallerThanTheCapsIsAnError)
{
    start(flat_painter({200, 200, 200}), 16, 16);
    BufferPtr buffer = flat_frame(100);
    gst_buffer_add_video_meta(buffer.get(), GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_RGB, 8, 8);
    EXPECT_EQ(push(std::move(buffer)), GST_FLOW_ERROR);
    EXPECT_EQ(pop_error().code, "frame-invalid");
}

/// Pushes a frame from a thread of its own, as a source does.
std::future<GstFlowReturn> push_aside(GstHarness *harness, BufferPtr buffer)
{
    return std::async(std::launch::async,
                      [harness, b = buffer.release()] { return gst_harness_push(harness, b); });
}

TEST_F(States, StoppingInTheMiddleOfAFrameGivesItUp)
{
    const CapturedLog log("animeganfilter");
    const auto painter = std::make_shared<EndlessPainter>();
    start(painter);
    auto flow = push_aside(harness_.get(), flat_frame(100));
    painter->wait_until_entered();
    gst_element_set_state(element_.get(), GST_STATE_NULL);
    EXPECT_EQ(flow.get(), GST_FLOW_FLUSHING);
    EXPECT_TRUE(log.has(GST_LEVEL_DEBUG, "gave up the frame in work"));
    EXPECT_FALSE(pop(GST_MESSAGE_ERROR));
}

TEST_F(States, AFlushInTheMiddleOfAFrameGivesItUpAndTheStreamGoesOn)
{
    const auto endless = std::make_shared<EndlessPainter>();
    set_painter_opener(element_.get(), [endless](const PaintSettings &settings) -> std::shared_ptr<Painter> {
        if (settings.model == "endless")
            return endless;
        return flat_painter({200, 200, 200});
    });
    g_object_set(element_.get(), "model", "endless", nullptr);
    start();
    auto flow = push_aside(harness_.get(), flat_frame(100));
    endless->wait_until_entered();
    gst_harness_push_event(harness_.get(), gst_event_new_flush_start());
    EXPECT_EQ(flow.get(), GST_FLOW_FLUSHING);
    gst_harness_push_event(harness_.get(), gst_event_new_flush_stop(TRUE));
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_harness_push_event(harness_.get(), gst_event_new_segment(&segment));
    g_object_set(element_.get(), "model", "flat", nullptr);
    EXPECT_EQ(level_of(through(flat_frame(100))), 200);
    EXPECT_FALSE(pop(GST_MESSAGE_ERROR));
}

TEST_P(StatesInBothModes, StartsAndStopsTenTimes)
{
    int opened = 0;
    set_painter_opener(element_.get(), two_models(&opened));
    g_object_set(element_.get(), "model", "dark", nullptr);
    start(3, 5);
    for (int i = 1; i <= 10; ++i) {
        EXPECT_EQ(level_of(through(flat_frame(100))), 10);
        EXPECT_EQ(stat("frames"), 1U) << "counts are of one run";
        EXPECT_EQ(opened, i);
        gst_element_set_state(element_.get(), i % 2 ? GST_STATE_READY : GST_STATE_NULL);
        gst_element_set_state(element_.get(), GST_STATE_PLAYING);
        gst_harness_push_event(harness_.get(), gst_event_new_stream_start("again"));
        set_caps(3, 5);
    }
}

TEST_P(StatesInBothModes, StoppingLetsGoOfThePainter)
{
    std::shared_ptr<FakePainter> painter = flat_painter({200, 200, 200});
    const std::weak_ptr<FakePainter> watched = painter;
    set_painter_opener(element_.get(), [&painter](const PaintSettings &) { return std::move(painter); });
    start();
    through(flat_frame(100));
    EXPECT_FALSE(watched.expired());
    gst_element_set_state(element_.get(), GST_STATE_NULL);
    EXPECT_TRUE(watched.expired());
}

TEST_P(StatesInBothModes, TwoElementsShareAPainter)
{
    const auto painter = flat_painter({200, 200, 200});
    start(painter);
    const ElementPtr other(
        GST_ELEMENT(gst_object_ref_sink(gst_element_factory_make("animeganfilter", nullptr))));
    set_painter_opener(other.get(), [painter](const PaintSettings &) { return painter; });
    const HarnessPtr second(gst_harness_new_with_element(other.get(), "sink", "src"));
    gst_harness_set_src_caps_str(second.get(), "video/x-raw,format=RGB,width=4,height=4,framerate=25/1");
    auto flow = std::async(std::launch::async, [&] {
        for (int i = 0; i < 50; ++i)
            if (gst_harness_push(second.get(), flat_frame(100).release()) != GST_FLOW_OK)
                return i;
        return 50;
    });
    for (int i = 0; i < 50; ++i)
        EXPECT_EQ(push(flat_frame(100)), GST_FLOW_OK);
    EXPECT_EQ(flow.get(), 50);
    drain();
    EXPECT_EQ(painter->calls, 100);
}

// What GST_DEBUG=animeganfilter:6 shows.
TEST_F(States, TheLogTellsOfTheModelTheCapsAndTheFrames)
{
    const CapturedLog log("animeganfilter");
    start(flat_painter({200, 200, 200}, "hayao"), 6, 4);
    through(flat_frame(100, 0));
    EXPECT_TRUE(log.has(GST_LEVEL_INFO, "opened hayao: fake-executor on cpu, f32, isa paper"));
    EXPECT_TRUE(log.has(GST_LEVEL_INFO, "width=(int)6"));
    EXPECT_TRUE(log.has(GST_LEVEL_LOG, "painted 6x4"));
    gst_harness_push_upstream_event(
        harness_.get(), gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 1.5, 100 * GST_MSECOND, 40 * GST_MSECOND));
    push(flat_frame(100, 80 * GST_MSECOND));
    EXPECT_TRUE(log.has(GST_LEVEL_DEBUG, "dropped the frame of 0:00:00.080"));
}

// Whoever controls the picture does so from a thread of its own: for ThreadSanitizer.
TEST_P(StatesInBothModes, PropertiesMayChangeFromAnyThread)
{
    int opened = 0;
    set_painter_opener(element_.get(), two_models(&opened));
    g_object_set(element_.get(), "model", "dark", nullptr);
    start();
    std::atomic<bool> done = false;
    std::thread user([this, &done] {
        for (int i = 0; !done; ++i) {
            g_object_set(element_.get(), "model", i % 2 ? "dark" : "bright", "strength", (i % 3) / 2.0,
                         "match-tone", i % 4, "max-dimension", i % 7, nullptr);
            stat("frames");
        }
    });
    for (int i = 0; i < 200; ++i)
        through(flat_frame(100));
    done = true;
    user.join();
    EXPECT_EQ(stat("frames"), 200U);
}

} // namespace
} // namespace anime
