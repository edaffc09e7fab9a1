// SPDX-License-Identifier: LGPL-2.1-or-later
// facepaint in a pipeline: pixels, metas, messages, errors, stopping in the middle.
#include "elements/facepaint/gstfacepaint.h"
#include "elements/overlay/face_overlay.h"
#include "fake_detector.h"
#include "test_picture.h"
#include "tests/elements/element_fixture.h"

#include <gst/video/video.h>

#include <cmath>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>

namespace anime
{
namespace
{

class FixedLandmarks final : public LandmarkPredictor
{
public:
    std::vector<Point> predict(const ConstImage &, const Face &) const override
    {
        return std::vector<Point>(68, Point{3, 4});
    }
};

class Facepaint : public ElementTest
{
protected:
    Facepaint() : ElementTest("facepaint") {}

    static void SetUpTestSuite() { GST_ELEMENT_REGISTER(facepaint, nullptr); }

    /// Turns light and dark around; after the colour match, a two-coloured face has its colours swapped.
    static std::shared_ptr<FakePainter> inverting(int face_size = 32)
    {
        return std::make_shared<FakePainter>(
            [](const std::uint8_t *p) {
                return Colour{std::uint8_t(255 - p[0]), std::uint8_t(255 - p[1]), std::uint8_t(255 - p[2])};
            },
            "inverting", face_size);
    }

    FaceParts parts(std::shared_ptr<Painter> painter)
    {
        FaceParts parts;
        parts.open_painter = [painter](const PaintSettings &) { return painter; };
        parts.make_detector = [finding = finding_] { return std::make_unique<FakeDetector>(finding); };
        parts.load_predictor = [] { return std::make_shared<FixedLandmarks>(); };
        return parts;
    }
    void use(std::shared_ptr<Painter> painter) { set_face_parts(element_.get(), parts(painter)); }

    /// Dark on the left of x = 50, light on the right; alpha is a texture.
    static int halves(int x, int y, int c) { return c == 3 ? texture(x, y, c) : x < 50 ? 60 : 100; }
    /// What is left of it where a face at (34, 34) with a side of 32 has been painted: the middle of the face
    /// is swapped, outside of it nothing changes, between them lies the soft edge.
    void expect_painted(const BufferPtr &buffer)
    {
        const MappedFrame mapped(info_, buffer.get(), GST_MAP_READ);
        const auto at = [&](int x, int y, int c) {
            return mapped.data()[y * mapped.stride() + x * mapped.pixel_stride() + c];
        };
        for (int y = 0; y < mapped.height(); ++y) {
            for (int x = 0; x < mapped.width(); ++x) {
                const double distance = std::hypot(x + 0.5 - 50, y + 0.5 - 50);
                for (int c = 0; c < mapped.pixel_stride(); ++c) {
                    const bool outside = distance >= 16 || c == 3;
                    const int before = halves(x, y, c);
                    if (outside || distance < 7) {
                        ASSERT_EQ(at(x, y, c), outside ? before : 160 - before) << x << ',' << y << ',' << c;
                    }
                }
            }
        }
    }

    /// Downstream says that it blends overlays.
    void take_overlays()
    {
        gst_harness_add_propose_allocation_meta(harness_.get(), GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE,
                                                nullptr);
    }

    static std::size_t regions(const BufferPtr &buffer)
    {
        return gst_buffer_get_n_meta(buffer.get(), GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE);
    }

    std::shared_ptr<Finding> finding_ = std::make_shared<Finding>();
};

TEST_F(Facepaint, BlendsTheFaceIntoTheFrame)
{
    for (const char *format : {"RGB", "RGBA"}) {
        SCOPED_TRACE(format);
        use(inverting());
        finding_->faces = {face_at(34, 34, 32)};
        g_object_set(element_.get(), "expand", 1.0, nullptr);
        start(101, 100, format);
        const BufferPtr out = through(frame(halves));
        expect_painted(out);
        EXPECT_EQ(gst_buffer_get_video_overlay_composition_meta(out.get()), nullptr);
        renew();
    }
}

// Strides of a video meta, wider than the caps say.
TEST_F(Facepaint, HonoursStrides)
{
    use(inverting());
    finding_->faces = {face_at(34, 34, 32)};
    g_object_set(element_.get(), "expand", 1.0, nullptr);
    start(101, 100);
    constexpr gint stride = 101 * 3 + 41;
    BufferPtr in(gst_buffer_new_allocate(nullptr, stride * 100, nullptr));
    gsize offset[GST_VIDEO_MAX_PLANES] = {0};
    gint strides[GST_VIDEO_MAX_PLANES] = {stride};
    gst_buffer_add_video_meta_full(in.get(), GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_RGB, 101, 100, 1,
                                   offset, strides);
    fill(in.get(), halves);
    expect_painted(through(std::move(in)));
}

TEST_F(Facepaint, TheLogTellsOfTheFaces)
{
    const CapturedLog log("facepaint");
    use(inverting());
    finding_->faces = {face_at(10, 20, 30)};
    start(100, 100);
    through(frame(halves));
    EXPECT_TRUE(log.has(GST_LEVEL_INFO, "opened inverting: fake-executor on cpu"));
    EXPECT_TRUE(log.has(GST_LEVEL_LOG, "1 faces found, 1 painted"));
}

// Bit by bit, and without a message that says otherwise.
TEST_F(Facepaint, AFrameWithoutFacesStaysAsItIs)
{
    const auto painter = inverting();
    use(painter);
    start(33, 17, "RGBA");
    const BufferPtr out = through(frame(texture));
    EXPECT_EQ(differences(out, texture), 0);
    EXPECT_EQ(regions(out), 0u);
    EXPECT_EQ(painter->calls, 0);
    EXPECT_EQ(stat("frames"), 1u);
    EXPECT_EQ(stat("faces"), 0u);
}

// The frame is left alone; the painted face travels as an overlay.
TEST_F(Facepaint, OverlayAttachesPatches)
{
    use(inverting(128));
    gst_util_set_object_arg(G_OBJECT(element_.get()), "mode", "overlay");
    g_object_set(element_.get(), "expand", 1.25, nullptr);
    finding_->faces = {face_at(40, 40, 16), face_at(5, 95, 16), face_at(0, 0, 80)};
    start(101, 100);
    take_overlays();
    const BufferPtr out = through(frame(halves));
    EXPECT_EQ(differences(out, halves), 0);
    EXPECT_EQ(regions(out), 3u);
    EXPECT_FALSE(pop(GST_MESSAGE_WARNING));

    const std::vector<Patch> patches = read_face_patches(out.get());
    ASSERT_EQ(patches.size(), 2u) << "the third is large enough to be painted with the frame";
    EXPECT_EQ(patches[1].x, 38);
    EXPECT_EQ(patches[1].y, 38);
    EXPECT_EQ(patches[1].width, 20);
    EXPECT_EQ(patches[1].height, 20);
    EXPECT_EQ(patches[0].x, 3);
    EXPECT_EQ(patches[0].y, 93);
    EXPECT_EQ(patches[0].width, 20);
    EXPECT_EQ(patches[0].height, 7) << "cut off at the frame";
    EXPECT_EQ(patches[1].image().at(10, 10)[3], 255);
    EXPECT_EQ(patches[1].image().at(0, 0)[3], 0);
}

// Faces must not vanish: where nobody blends overlays they are put on the frame, and that is said, once.
TEST_F(Facepaint, OverlaysThatNobodyTakesAreBlended)
{
    use(inverting());
    gst_util_set_object_arg(G_OBJECT(element_.get()), "mode", "overlay");
    g_object_set(element_.get(), "expand", 1.0, nullptr);
    finding_->faces = {face_at(34, 34, 32)};
    start(101, 100);
    for (int i = 0; i < 2; ++i) {
        const BufferPtr out = through(frame(halves));
        expect_painted(out);
        EXPECT_EQ(gst_buffer_get_video_overlay_composition_meta(out.get()), nullptr);
    }
    const MessagePtr warning = pop(GST_MESSAGE_WARNING);
    ASSERT_TRUE(warning);
    const GstStructure *details = nullptr;
    gst_message_parse_warning_details(warning.get(), &details);
    EXPECT_STREQ(gst_structure_get_string(details, "code"), "overlay-blender-missing");
    EXPECT_FALSE(pop(GST_MESSAGE_WARNING));

    // Another element comes in their place: it asks for a new negotiation.
    take_overlays();
    finding_->faces = {face_at(34, 34, 8)}; // small enough for a face size of 32
    gst_harness_push_upstream_event(harness_.get(), gst_event_new_reconfigure());
    const BufferPtr out = through(frame(halves));
    EXPECT_NE(gst_buffer_get_video_overlay_composition_meta(out.get()), nullptr);
    EXPECT_FALSE(pop(GST_MESSAGE_WARNING));
}

// In a live pipeline frames don't wait for the detector.
TEST_F(Facepaint, DetectsInTheBackgroundWhenLive)
{
    use(inverting());
    finding_->faces = {face_at(34, 34, 32)};
    for (const auto &[setting, live, at_once] : {std::tuple{"auto", false, true},
                                                 {"auto", true, false},
                                                 {"off", true, true},
                                                 {"on", false, false}}) {
        SCOPED_TRACE(std::string(setting) + (live ? ", live" : ""));
        renew();
        use(inverting());
        gst_util_set_object_arg(G_OBJECT(element_.get()), "background-detection", setting);
        start(100, 100);
        gst_harness_set_live(harness_.get(), live);
        gst_harness_query_latency(harness_.get());
        std::size_t faces = regions(through(frame(halves)));
        EXPECT_EQ(faces == 1, at_once);
        while (faces == 0)
            faces = regions(through(frame(halves)));
        EXPECT_EQ(faces, 1u);
    }
}

TEST_F(Facepaint, RegionsOfInterestSayWhereTheFacesAre)
{
    use(inverting());
    finding_->faces = {face_at(10, 20, 30, 2.5), face_at(90, -5, 30, 1.5)};
    start(100, 100);
    BufferPtr in = frame(halves);
    gst_buffer_add_video_region_of_interest_meta(in.get(), "car", 1, 2, 3, 4);
    const BufferPtr out = through(std::move(in));

    struct Region {
        std::string type;
        guint x, y, w, h;
        bool operator==(const Region &) const = default;
    };
    std::vector<Region> found;
    std::vector<double> confidence;
    gpointer state = nullptr;
    while (GstMeta *meta = gst_buffer_iterate_meta_filtered(out.get(), &state,
                                                            GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)) {
        auto *region = reinterpret_cast<GstVideoRegionOfInterestMeta *>(meta);
        found.push_back({g_quark_to_string(region->roi_type), region->x, region->y, region->w, region->h});
        if (const GstStructure *detection =
                gst_video_region_of_interest_meta_get_param(region, "detection")) {
            confidence.push_back(0);
            EXPECT_TRUE(gst_structure_get_double(detection, "confidence", &confidence.back()));
        }
    }
    const std::vector<Region> expected = {
        {"car", 1, 2, 3, 4}, {"face", 10, 20, 30, 30}, {"face", 90, 0, 10, 25}};
    EXPECT_EQ(found, expected);
    EXPECT_EQ(confidence, (std::vector<double>{2.5, 1.5}));
}

// A buffer that somebody else holds too is copied, with its metas, and theirs stays as it is.
TEST_F(Facepaint, LeavesASharedBufferAlone)
{
    use(inverting());
    finding_->faces = {face_at(34, 34, 32)};
    g_object_set(element_.get(), "expand", 1.0, nullptr);
    start(100, 100);
    BufferPtr in = frame(halves);
    gst_buffer_add_video_region_of_interest_meta(in.get(), "car", 1, 2, 3, 4);
    const BufferPtr mine(gst_buffer_ref(in.get()));
    const BufferPtr out = through(std::move(in));
    expect_painted(out);
    EXPECT_EQ(differences(mine, halves), 0);
    EXPECT_EQ(regions(mine), 1u);
    EXPECT_EQ(regions(out), 2u);
}

TEST_F(Facepaint, MessageSaysWhatWasFound)
{
    use(inverting());
    g_object_set(element_.get(), "align", TRUE, "max-faces", 1, nullptr);
    finding_->faces = {face_at(-10, 20, 30, 2.5), face_at(50, 50, 30, 0.5)};
    start(100, 100);
    through(frame(halves, 80 * GST_MSECOND));

    const MessagePtr message = pop(GST_MESSAGE_ELEMENT);
    ASSERT_TRUE(message);
    const GstStructure *s = gst_message_get_structure(message.get());
    EXPECT_STREQ(gst_structure_get_name(s), "facepaint");
    for (const char *field : {"timestamp", "stream-time", "running-time", "duration", "processing-time",
                              "detection-time", "painting-time"})
        EXPECT_TRUE(gst_structure_has_field_typed(s, field, G_TYPE_UINT64)) << field;
    guint64 timestamp = 0;
    gst_structure_get_uint64(s, "timestamp", &timestamp);
    EXPECT_EQ(timestamp, 80 * GST_MSECOND);
    guint found = 0;
    guint painted = 0;
    EXPECT_TRUE(gst_structure_get_uint(s, "found", &found));
    EXPECT_TRUE(gst_structure_get_uint(s, "painted", &painted));
    EXPECT_EQ(found, 2u) << "max-faces was applied, and that can be seen";
    EXPECT_EQ(painted, 1u);
    EXPECT_STREQ(gst_structure_get_string(s, "model"), "inverting");
    int width = 0;
    EXPECT_TRUE(gst_structure_get_int(s, "detection-width", &width));
    EXPECT_EQ(width, 200);

    const GValue *faces = gst_structure_get_value(s, "faces");
    ASSERT_TRUE(faces && GST_VALUE_HOLDS_ARRAY(faces));
    ASSERT_EQ(gst_value_array_get_size(faces), 1u);
    const GstStructure *face = gst_value_get_structure(gst_value_array_get_value(faces, 0));
    int x = -1;
    int face_width = 0;
    double confidence = 0;
    gst_structure_get_int(face, "x", &x);
    gst_structure_get_int(face, "width", &face_width);
    gst_structure_get_double(face, "confidence", &confidence);
    EXPECT_EQ(x, 0);
    EXPECT_EQ(face_width, 20) << "the part on the frame";
    EXPECT_EQ(confidence, 2.5);
    const GValue *landmarks = gst_structure_get_value(face, "landmarks");
    ASSERT_TRUE(landmarks);
    EXPECT_EQ(gst_value_array_get_size(landmarks), 136u);
    EXPECT_EQ(g_value_get_int(gst_value_array_get_value(landmarks, 1)), 4);
    EXPECT_EQ(stat("faces"), 1u);
    EXPECT_EQ(stat("painted"), 1u);
}

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

// Every size from one pixel up to where a face would fit, with the real detector.
TEST_F(Facepaint, AcceptsAnySize)
{
    FaceParts real = parts(inverting());
    real.make_detector = make_hog_detector;
    set_face_parts(element_.get(), real);
    start(1, 1);
    for (const int side : {1, 2, 3, 5, 8, 13, 31, 32, 33, 63, 64, 65, 79}) {
        for (const auto &[width, height] : {std::pair{side, side}, {side, 1}, {1, side}}) {
            set_caps(width, height);
            EXPECT_EQ(differences(through(frame(texture)), texture), 0) << width << 'x' << height;
        }
    }
}

// Caps that change in mid-stream, before any buffer too.
TEST_F(Facepaint, FollowsTheCaps)
{
    use(inverting());
    g_object_set(element_.get(), "expand", 1.0, nullptr);
    finding_->faces = {face_at(34, 34, 32)};
    start(10, 10);
    set_caps(100, 100, "RGBA");
    expect_painted(through(frame(halves)));
    set_caps(120, 90);
    expect_painted(through(frame(halves)));
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
