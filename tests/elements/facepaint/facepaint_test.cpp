// SPDX-License-Identifier: LGPL-2.1-or-later
// facepaint in a pipeline: pixels, metas, messages. What goes wrong is in facepaint_states_test.cpp.
#include "elements/overlay/face_overlay.h"
#include "facepaint_fixture.h"

#include <string>

namespace anime
{
namespace
{

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

} // namespace
} // namespace anime
