// SPDX-License-Identifier: LGPL-2.1-or-later
// What is painted of a frame, at which size, and where it goes. What becomes of faces from one frame of a
// video to the next is in face_tracking_test.cpp.
#include "face_painting_fixture.h"

#include <cmath>
#include <set>
#include <utility>
#include <vector>

namespace anime
{
namespace
{

TEST_F(FacePainting, NoFaceNoWork)
{
    const TestPicture frame(100, 100, 3, texture);
    const auto painter = copying_painter();
    const FaceResult result = paint(frame.view(), *painter);
    EXPECT_TRUE(result.faces.empty());
    EXPECT_TRUE(result.patches.empty());
    EXPECT_EQ(result.painting_ns, 0u);
    EXPECT_EQ(painter->calls, 0);
}

// Faces are painted at twice their size or a little more, up to the model's face size; large ones as they
// are. There are few different sizes.
TEST(CanvasSide, FollowsTheModelsFaceSize)
{
    struct Case {
        double crop;
        int face_size;
        int expected;
    };
    const Case cases[] = {
        {10, 512, 64},   {32, 512, 64},   {33, 512, 128},  {52, 512, 128},  {255, 512, 512},
        {300, 512, 512}, {511, 512, 512}, {512, 512, 512}, {513, 512, 576}, {900, 512, 960},
        {960, 512, 960}, {30, 40, 40},    {10, 1, 64},     {0.1, 1, 1},
    };
    for (const Case &c : cases)
        EXPECT_EQ(canvas_side(c.crop, c.face_size), c.expected) << c.crop << " for " << c.face_size;
}

TEST_F(FacePainting, PaintsAtTheModelsSize)
{
    const TestPicture frame(400, 400, 3, texture);
    FakePainter painter([](const std::uint8_t *p) { return Colour{p[0], p[1], p[2]}; }, "small", 64);
    finding_->faces = {face_at(100, 100, 20)};
    EXPECT_EQ(paint(frame.view(), painter).patches.size(), 1u);
    EXPECT_EQ(painter.width, 64);
    finding_->faces = {face_at(100, 100, 200)};
    EXPECT_EQ(paint(frame.view(), painter).patches.size(), 1u);
    EXPECT_EQ(painter.width, 320) << "1.3 times the face, in steps of 64";
}

// A face that comes nearer, as in video: each size needs a plan, which takes longer than painting.
TEST_F(FacePainting, AMovingFaceIsPaintedInFewSizes)
{
    const TestPicture frame(640, 480, 3, texture);
    FakePainter painter([](const std::uint8_t *p) { return Colour{p[0], p[1], p[2]}; }, "small", 64);
    std::set<int> sizes;
    for (int side = 100; side < 200; ++side) {
        finding_->faces = {face_at(100, 100, side)};
        const FaceResult result = paint(frame.view(), painter);
        ASSERT_EQ(result.patches.size(), 1u);
        EXPECT_NEAR(result.patches[0].width, 1.3 * side, 2) << "what is put back has no steps";
        sizes.insert(painter.width);
    }
    EXPECT_EQ(sizes, (std::set<int>{192, 256, 320}));
}

// Whatever `expand` asks for, no more is painted than the frame has.
TEST_F(FacePainting, NoSquareIsLargerThanTheFrame)
{
    const TestPicture frame(300, 200, 3, texture);
    FakePainter painter([](const std::uint8_t *p) { return Colour{p[0], p[1], p[2]}; }, "small", 64);
    settings_.expand = 4;
    finding_->faces = {face_at(20, 20, 160)};
    EXPECT_EQ(paint(frame.view(), painter).patches.size(), 1u);
    EXPECT_EQ(painter.width, 320) << "300 in steps of 64, not 640";
}

// animeganfilter paints large faces as well by itself; a second painting would only differ.
TEST_F(FacePainting, LeavesLargeFacesOutWhenAsked)
{
    const TestPicture frame(400, 400, 3, texture);
    FakePainter painter([](const std::uint8_t *p) { return Colour{p[0], p[1], p[2]}; }, "small", 100);
    settings_.skip_large = true;
    settings_.expand = 1;
    for (const auto &[side, painted] : {std::pair{29, 1u}, {30, 0u}, {300, 0u}}) {
        finding_->faces = {face_at(50, 50, side)};
        const FaceResult result = paint(frame.view(), painter);
        EXPECT_EQ(result.patches.size(), painted) << side;
        EXPECT_EQ(result.faces.size(), 1u) << "it is a face nevertheless";
    }
}

// A model that changes nothing changes nothing.
TEST_F(FacePainting, IdentityAtItsOwnSizeIsExact)
{
    TestPicture frame(90, 70, 4, texture);
    const std::vector<std::uint8_t> before = frame.bytes;
    FakePainter painter([](const std::uint8_t *p) { return Colour{p[0], p[1], p[2]}; }, "small", 32);
    finding_->faces = {face_at(20.3, 11.8, 40), face_at(-10, -10, 40), face_at(60, 50, 50),
                       face_at(-50, -50, 300)};
    const FaceResult result = paint(frame.view(), painter);
    EXPECT_EQ(result.patches.size(), 4u);
    for (const Patch &patch : result.patches)
        blend_patch(frame.image, patch);
    EXPECT_EQ(frame.bytes, before);
}

// The patch lies on the face and has the frame's colours: an inverting model swaps dark and light, and keeps
// mean and contrast.
TEST_F(FacePainting, PatchesHaveTheFramesColours)
{
    TestPicture frame(100, 100, 3, [](int x, int, int) { return x < 50 ? 60 : 100; });
    FakePainter painter(
        [](const std::uint8_t *p) {
            return Colour{std::uint8_t(255 - p[0]), std::uint8_t(255 - p[1]), std::uint8_t(255 - p[2])};
        },
        "inverting", 32);
    settings_.expand = 1;
    finding_->faces = {face_at(34, 34, 32)};
    const FaceResult result = paint(frame.view(), painter);
    ASSERT_EQ(result.patches.size(), 1u);
    blend_patch(frame.image, result.patches[0]);
    EXPECT_EQ(frame.image.at(45, 50)[0], 100);
    EXPECT_EQ(frame.image.at(54, 50)[0], 60);
    EXPECT_EQ(frame.image.at(30, 50)[0], 60) << "outside";
    EXPECT_EQ(frame.image.at(70, 50)[0], 100) << "outside";
}

TEST_F(FacePainting, MaxFacesKeepsTheSurest)
{
    const TestPicture frame(400, 100, 3, texture);
    FakePainter painter([](const std::uint8_t *p) { return Colour{p[0], p[1], p[2]}; }, "small", 16);
    finding_->faces = {face_at(0, 0, 20, 0.5), face_at(100, 0, 20, 2.0), face_at(200, 0, 20, 1.5)};
    settings_.max_faces = 2;
    const FaceResult result = paint(frame.view(), painter);
    EXPECT_EQ(result.found, 3u);
    ASSERT_EQ(result.faces.size(), 2u);
    EXPECT_EQ(result.faces[0].confidence, 2.0);
    EXPECT_EQ(result.faces[1].confidence, 1.5);
    ASSERT_EQ(result.patches.size(), 2u);
    EXPECT_GT(result.patches[0].x, result.patches[1].x) << "the surest comes last, on top";
}

TEST_F(FacePainting, MaxFacesOfZeroLooksForNone)
{
    const TestPicture frame(400, 100, 3, texture);
    const auto painter = copying_painter();
    finding_->faces = {face_at(0, 0, 20, 2.0)};
    settings_.max_faces = 0;
    const FaceResult result = paint(frame.view(), *painter);
    EXPECT_EQ(finding_->detections, 0);
    EXPECT_EQ(result.found, 0u);
    EXPECT_EQ(result.detection_size, WorkingSize{});
}

TEST_F(FacePainting, StopsWhenCancelled)
{
    const TestPicture frame(100, 100, 3, texture);
    const auto painter = copying_painter();
    finding_->faces = {face_at(10, 10, 50)};
    cancel_ = true;
    try {
        paint(frame.view(), *painter);
        FAIL() << "not cancelled";
    } catch (const Error &error) {
        EXPECT_EQ(error.code(), "cancelled");
    }
    EXPECT_EQ(painter->calls, 0);
}

// Every frame by itself: what was on the last one does not matter.
TEST_F(FacePainting, StillsAreIndependent)
{
    const TestPicture frame(100, 100, 3, texture);
    const auto painter = copying_painter();
    finding_->faces = {face_at(10, 10, 40)};
    EXPECT_EQ(paint(frame.view(), *painter).faces[0].x, 10);
    finding_->faces = {face_at(14, 10, 40)};
    EXPECT_EQ(paint(frame.view(), *painter).faces[0].x, 14);
    finding_->faces = {};
    EXPECT_TRUE(paint(frame.view(), *painter).faces.empty());
    EXPECT_EQ(finding_->detections, 3);
}

/// Landmarks with eyes on a line at 45 degrees.
class LeaningFaces final : public LandmarkPredictor
{
public:
    std::vector<Point> predict(const ConstImage &, const Face &face) const override
    {
        std::vector<Point> points(68, face.centre());
        for (std::size_t i = 36; i < 42; ++i)
            points[i] = {face.x, face.y};
        for (std::size_t i = 42; i < 48; ++i)
            points[i] = {face.x + 10, face.y + 10};
        return points;
    }
};

TEST_F(FacePainting, AlignTurnsTheFaceUpright)
{
    const LeaningFaces predictor;
    predictor_ = &predictor;
    const TestPicture frame(64, 64, 3, [](int x, int y, int) { return std::abs(x - y) <= 2 ? 255 : 0; });
    // Sees whether a row in the middle of the canvas is all light.
    int light = 0;
    FakePainter painter(
        [&light](const std::uint8_t *p) {
            light += p[0] > 200;
            return Colour{p[0], p[1], p[2]};
        },
        "seeing", 32);
    settings_.expand = 1;
    finding_->faces = {face_at(16, 16, 32)};
    const FaceResult result = paint(frame.view(), painter);
    EXPECT_EQ(result.faces[0].landmarks.size(), 68u);
    EXPECT_EQ(result.patches.size(), 1u);
    EXPECT_NEAR(light, 64 * 4, 64) << "a level line four pixels thick, from edge to edge";
}

TEST(EyeAngle, IsThatOfTheLineThroughTheEyes)
{
    EXPECT_EQ(eye_angle({}), 0);
    const std::vector<Point> points = LeaningFaces().predict({}, face_at(0, 0, 20));
    EXPECT_NEAR(eye_angle(points), 0.7854, 1e-4);
}

} // namespace
} // namespace anime
