// SPDX-License-Identifier: LGPL-2.1-or-later
// facepaint: properties, models that come and go, errors, late frames, stopping in the middle.
#include "facepaint_fixture.h"

#include <functional>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

namespace anime
{
namespace
{

TEST_F(Facepaint, PropertiesReadBackWhatWasSet)
{
    const std::pair<const char *, const char *> values[] = {
        {"model", "paprika"},
        {"executor", "torch"},
        {"device", "cpu"},
        {"precision", "f32"},
        {"threads", "2"},
        {"min-face-size", "64"},
        {"max-faces", "3"},
        {"expand", "1.5"},
        {"align", "true"},
        {"detection-interval", "5"},
        {"background-detection", "on"},
        {"feather", "0.25"},
        {"mode", "overlay"},
        {"message-interval", "42"},
        {"qos", "false"},
        {"max-detection-pixels", "1000000"},
    };
    for (const auto &[name, value] : values) {
        SCOPED_TRACE(name);
        gst_util_set_object_arg(G_OBJECT(element_.get()), name, value);
        GValue read = G_VALUE_INIT;
        g_value_init(&read,
                     g_object_class_find_property(G_OBJECT_GET_CLASS(element_.get()), name)->value_type);
        g_object_get_property(G_OBJECT(element_.get()), name, &read);
        const StringPtr text(gst_value_serialize(&read));
        g_value_unset(&read);
        EXPECT_STREQ(text.get(), value);
    }
}

TEST_F(Facepaint, TheModelMayChangeBetweenFrames)
{
    FaceParts changing = parts(nullptr);
    std::vector<std::string> opened;
    changing.open_painter = [&opened](const PaintSettings &settings) -> std::shared_ptr<Painter> {
        opened.push_back(settings.model);
        if (settings.model == "missing")
            throw Error("model-missing", "There is no such model.");
        return inverting();
    };
    set_face_parts(element_.get(), changing);
    start();
    through(flat_frame(1));
    g_object_set(element_.get(), "model", "other", nullptr);
    through(flat_frame(1));
    through(flat_frame(1));
    EXPECT_EQ(opened, (std::vector<std::string>{"default", "other"}));
    g_object_set(element_.get(), "model", "missing", nullptr);
    EXPECT_EQ(push(flat_frame(1)), GST_FLOW_ERROR);
    EXPECT_EQ(pop_error().code, "model-missing");
    EXPECT_EQ(stat("errors"), 1u);
    // It keeps failing until the model is one again, also the one before.
    EXPECT_EQ(push(flat_frame(1)), GST_FLOW_ERROR);
    g_object_set(element_.get(), "model", "other", nullptr);
    through(flat_frame(1));
    EXPECT_EQ(opened.back(), "other");
}

TEST_F(Facepaint, AMissingModelOrPredictorFailsToStart)
{
    FaceParts broken = parts(inverting());
    broken.open_painter = [](const PaintSettings &) -> std::shared_ptr<Painter> {
        throw Error("model-invalid", "It is broken.");
    };
    set_face_parts(element_.get(), broken);
    EXPECT_EQ(gst_element_set_state(element_.get(), GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
    EXPECT_EQ(pop_error().code, "model-invalid");

    broken = parts(inverting());
    broken.load_predictor = [] { return load_landmark_predictor("/nowhere/predictor.dat"); };
    set_face_parts(element_.get(), broken);
    gst_element_set_state(element_.get(), GST_STATE_NULL);
    EXPECT_EQ(gst_element_set_state(element_.get(), GST_STATE_PAUSED), GST_STATE_CHANGE_SUCCESS)
        << "not needed without align";
    gst_element_set_state(element_.get(), GST_STATE_NULL);
    g_object_set(element_.get(), "align", TRUE, nullptr);
    EXPECT_EQ(gst_element_set_state(element_.get(), GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
    const PostedError error = pop_error();
    EXPECT_EQ(error.code, "model-missing");
    EXPECT_EQ(error.domain, GST_RESOURCE_ERROR);
}

/// Fails in its own way with each call.
class FailingDetector final : public FaceDetector
{
public:
    explicit FailingDetector(std::function<void()> fail) : fail_(std::move(fail)) {}
    std::vector<Face> detect(const ConstImage &, const DetectionLimits &) override
    {
        fail_();
        return {};
    }
    std::optional<Face> follow(const ConstImage &, const Face &) override { return std::nullopt; }

private:
    std::function<void()> fail_;
};

// No exception leaves the element, whatever throws it.
TEST_F(Facepaint, ExceptionsBecomeErrors)
{
    struct Case {
        std::function<void()> fail;
        const char *code;
    };
    const Case cases[] = {
        {[] { throw std::bad_alloc(); }, "out-of-memory"},
        {[] { throw std::runtime_error("dlib says no"); }, "internal"},
        {[] { throw 42; }, "internal"},
        {[] { throw Error("device-missing", "gone"); }, "device-missing"},
    };
    for (const Case &c : cases) {
        FaceParts failing = parts(inverting());
        failing.make_detector = [&c] { return std::make_unique<FailingDetector>(c.fail); };
        set_face_parts(element_.get(), failing);
        start(10, 10);
        EXPECT_EQ(push(flat_frame(1)), GST_FLOW_ERROR);
        EXPECT_EQ(pop_error().code, c.code);
        EXPECT_FALSE(pull()) << "no picture after an error";
        renew();
    }
}

TEST_F(Facepaint, ATooSmallBufferIsAnError)
{
    use(inverting());
    start(64, 64);
    EXPECT_EQ(push(BufferPtr(gst_buffer_new_allocate(nullptr, 100, nullptr))), GST_FLOW_ERROR);
    EXPECT_EQ(pop_error().code, "frame-invalid");
    EXPECT_FALSE(pull());
}

// A sink that got a frame 100 ms late: what is older than that is dropped before any work, and counted. The
// faces before it are still those behind it, though its successor bears the flag DISCONT.
TEST_F(Facepaint, LateFramesAreDroppedAndCounted)
{
    use(inverting());
    g_object_set(element_.get(), "detection-interval", 1000, nullptr);
    start();
    through(flat_frame(100, 0));
    gst_harness_push_upstream_event(
        harness_.get(), gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 1.5, 100 * GST_MSECOND, 40 * GST_MSECOND));
    EXPECT_EQ(push(flat_frame(100, 80 * GST_MSECOND)), GST_FLOW_OK);
    EXPECT_FALSE(pull());
    EXPECT_EQ(stat("dropped"), 1u);
    EXPECT_TRUE(pop(GST_MESSAGE_QOS));
    through(flat_frame(100, GST_SECOND));
    EXPECT_EQ(stat("frames"), 2u);
    EXPECT_EQ(finding_->detections, 1);
}

TEST_F(Facepaint, LatencyIsWhatWasMeasuredWithoutTheFirstFrame)
{
    use(inverting());
    start();
    gst_harness_set_upstream_latency(harness_.get(), 20 * GST_MSECOND);
    through(flat_frame(100));
    EXPECT_EQ(gst_harness_query_latency(harness_.get()), 20 * GST_MSECOND);
    through(flat_frame(100));
    EXPECT_EQ(gst_harness_query_latency(harness_.get()), 20 * GST_MSECOND + stat("processing-time-last"));
}

// What comes behind a seek or of another stream has faces of its own.
TEST_F(Facepaint, ASegmentStartsOver)
{
    use(inverting());
    g_object_set(element_.get(), "detection-interval", 1000, nullptr);
    start();
    through(flat_frame(100));
    through(flat_frame(100));
    EXPECT_EQ(finding_->detections, 1);
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_harness_push_event(harness_.get(), gst_event_new_segment(&segment));
    through(flat_frame(100));
    EXPECT_EQ(finding_->detections, 2);
}

class FacepaintInTheMiddle : public Facepaint
{
protected:
    void SetUp() override
    {
        Facepaint::SetUp();
        painter_ = std::make_shared<EndlessPainter>();
        use(painter_);
        finding_->faces = {face_at(10, 10, 40)};
        start(100, 100);
        pusher_ = std::thread([this] { flow_ = push(flat_frame(9)); });
        painter_->wait_until_entered();
    }

    std::shared_ptr<EndlessPainter> painter_;
    std::thread pusher_;
    GstFlowReturn flow_ = GST_FLOW_OK;
};

TEST_F(FacepaintInTheMiddle, StoppingReturns)
{
    EXPECT_EQ(gst_element_set_state(element_.get(), GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
    pusher_.join();
    EXPECT_EQ(flow_, GST_FLOW_FLUSHING);
    EXPECT_FALSE(pop(GST_MESSAGE_ERROR)) << "to be stopped is no error";
}

TEST_F(FacepaintInTheMiddle, FlushingReturnsAndTheStreamGoesOn)
{
    gst_harness_push_event(harness_.get(), gst_event_new_flush_start());
    pusher_.join();
    EXPECT_EQ(flow_, GST_FLOW_FLUSHING);
    EXPECT_FALSE(pop(GST_MESSAGE_ERROR));
    gst_harness_push_event(harness_.get(), gst_event_new_flush_stop(TRUE));
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_harness_push_event(harness_.get(), gst_event_new_segment(&segment));
    finding_->faces = {};
    EXPECT_EQ(differences(through(flat_frame(7)), [](int, int, int) { return 7; }), 0);
}

TEST_F(Facepaint, StartsAndStopsAgainAndAgain)
{
    use(inverting());
    g_object_set(element_.get(), "expand", 1.0, nullptr);
    finding_->faces = {face_at(34, 34, 32)};
    start(100, 100);
    for (guint64 i = 0; i < 5; ++i) {
        expect_painted(through(frame(halves)));
        EXPECT_EQ(stat("frames"), 1u) << "counted since the last start";
        EXPECT_EQ(gst_element_set_state(element_.get(), GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
        EXPECT_EQ(gst_element_set_state(element_.get(), GST_STATE_PLAYING), GST_STATE_CHANGE_SUCCESS);
        gst_harness_push_event(harness_.get(), gst_event_new_stream_start("again"));
        set_caps(100, 100);
        GstSegment segment;
        gst_segment_init(&segment, GST_FORMAT_TIME);
        gst_harness_push_event(harness_.get(), gst_event_new_segment(&segment));
    }
}

} // namespace
} // namespace anime
