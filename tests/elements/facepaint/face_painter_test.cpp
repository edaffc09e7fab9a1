// SPDX-License-Identifier: LGPL-2.1-or-later
// What is painted of a frame, at which size, and where it goes; with a detector and painters that the test
// knows.
#include "elements/facepaint/face_painter.h"
#include "fake_detector.h"
#include "test_picture.h"
#include "tests/elements/fake_painter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <new>
#include <semaphore>
#include <set>
#include <utility>
#include <vector>

namespace anime
{
namespace
{

class FacePainting : public ::testing::Test
{
protected:
    FaceResult paint(const ConstImage &frame, Painter &painter)
    {
        return painter_.paint(frame, settings_, painter, predictor_, cancel_);
    }

    std::shared_ptr<Finding> finding_ = std::make_shared<Finding>();
    FacePainter painter_{std::make_unique<FakeDetector>(finding_)};
    FaceSettings settings_;
    const LandmarkPredictor *predictor_ = nullptr;
    std::atomic<bool> cancel_ = false;
};

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

// Between detections a box glides half of the way to where the face is thought to be, until it is there.
TEST_F(FacePainting, VideoDetectsEveryNthFrame)
{
    const TestPicture frame(100, 100, 3, texture);
    const auto painter = copying_painter();
    settings_.detection_interval = 3;
    finding_->faces = {face_at(10, 10, 40)};
    const auto x = [&] { return paint(frame.view(), *painter).faces.at(0).x; };
    EXPECT_EQ(x(), 10);
    finding_->faces = {face_at(20, 10, 40)};
    EXPECT_EQ(x(), 10);
    EXPECT_EQ(x(), 10);
    EXPECT_EQ(finding_->detections, 1);
    EXPECT_EQ(x(), 15);
    EXPECT_EQ(x(), 17.5);
    EXPECT_EQ(x(), 18.75);
    EXPECT_EQ(finding_->detections, 2);
    for (int i = 0; i < 6; ++i)
        x();
    EXPECT_NEAR(x(), 20, 0.4);
}

// The detector's grid, and its steps of size: a face that sits still has one box.
TEST_F(FacePainting, ABoxDoesNotFollowTheDetectorsGrid)
{
    const TestPicture frame(200, 200, 3, texture);
    const auto painter = copying_painter();
    settings_.detection_interval = 2;
    const Face grid[] = {face_at(60, 60, 69), face_at(62, 57, 69), face_at(60, 60, 69), face_at(66, 66, 57),
                         face_at(60, 60, 69), face_at(59, 63, 69), face_at(66, 66, 57), face_at(60, 60, 69)};
    for (int i = 0; i < 40; ++i) {
        finding_->faces = {grid[i / 2 % 8]};
        const std::vector<Face> faces = paint(frame.view(), *painter).faces;
        ASSERT_EQ(faces.size(), 1u);
        EXPECT_EQ(faces[0].x, 60) << i;
        EXPECT_EQ(faces[0].y, 60) << i;
        EXPECT_EQ(faces[0].width, 69) << i;
        EXPECT_EQ(faces[0].presence, 1) << i;
    }
}

// A real change of size or place is followed, and comes to rest.
TEST_F(FacePainting, ABoxFollowsAFace)
{
    const TestPicture frame(300, 200, 3, texture);
    const auto painter = copying_painter();
    settings_.detection_interval = 2;
    Face last;
    for (int i = 0; i < 60; ++i) {
        const double place = 20 + std::min(i, 30) * 4;
        finding_->faces = {face_at(place, 50, 40 + std::min(i, 30))};
        const std::vector<Face> faces = paint(frame.view(), *painter).faces;
        ASSERT_EQ(faces.size(), 1u) << i;
        EXPECT_NEAR(faces[0].centre().x, finding_->faces[0].centre().x, 25) << i;
        last = faces[0];
    }
    EXPECT_NEAR(last.x, 140, 6);
    EXPECT_NEAR(last.width, 70, 7);
}

// A face that detections miss stays for as many as found it, four at most, and then fades.
TEST_F(FacePainting, AMissedFaceStaysAndThenFades)
{
    const TestPicture frame(100, 100, 3, texture);
    const auto painter = copying_painter();
    settings_.detection_interval = 2;
    const auto presence = [&] {
        const std::vector<Face> faces = paint(frame.view(), *painter).faces;
        return faces.empty() ? -1 : faces[0].presence;
    };
    for (const int found : {1, 3, 9}) {
        SCOPED_TRACE(found);
        painter_.forget();
        finding_->faces = {face_at(10, 10, 40)};
        for (int i = 0; i < 2 * found; ++i)
            EXPECT_EQ(presence(), 1);
        finding_->faces = {};
        for (int i = 0; i < 2 * std::min(found, 4); ++i)
            EXPECT_EQ(presence(), 1) << "missed";
        for (const double left : {0.75, 0.5, 0.25})
            EXPECT_EQ(presence(), left);
        EXPECT_EQ(presence(), -1) << "gone";
    }
}

// On the first frame a face is there; one that comes later fades in.
TEST_F(FacePainting, ANewFaceFadesIn)
{
    const TestPicture frame(300, 100, 3, texture);
    FakePainter painter([](const std::uint8_t *p) { return Colour{p[0], p[1], p[2]}; }, "small", 16);
    settings_.detection_interval = 2;
    paint(frame.view(), painter);
    paint(frame.view(), painter);
    finding_->faces = {face_at(10, 10, 20)};
    for (const double part : {0.25, 0.5, 0.75, 1.0, 1.0}) {
        const FaceResult result = paint(frame.view(), painter);
        ASSERT_EQ(result.patches.size(), 1u);
        EXPECT_EQ(result.faces[0].presence, part);
        const Patch &patch = result.patches[0];
        EXPECT_NEAR(patch.image().at(patch.width / 2, patch.height / 2)[3], 255 * part, 1);
    }
}

// A cut to another picture ends all that was tracked, and is looked at at once.
TEST_F(FacePainting, ACutStartsAnew)
{
    const TestPicture frame(100, 100, 3, [](int x, int, int) { return x < 50 ? 200 : 20; });
    const TestPicture other(100, 100, 3, [](int, int y, int) { return y < 50 ? 200 : 20; });
    const auto painter = copying_painter();
    settings_.detection_interval = 5;
    finding_->faces = {face_at(10, 10, 40)};
    EXPECT_EQ(paint(frame.view(), *painter).faces.size(), 1u);
    EXPECT_EQ(paint(frame.view(), *painter).faces.size(), 1u);
    finding_->faces = {face_at(50, 50, 40)};
    const FaceResult after = paint(other.view(), *painter);
    ASSERT_EQ(after.faces.size(), 1u);
    EXPECT_EQ(after.faces[0].x, 50);
    EXPECT_EQ(after.faces[0].presence, 1);
    EXPECT_EQ(finding_->detections, 2);
}

// Between two looks at the whole frame only the faces that are known are looked for, where they are shown.
TEST_F(FacePainting, BetweenSearchesFacesAreFollowed)
{
    const TestPicture frame(300, 100, 3, texture);
    const auto painter = copying_painter();
    settings_.detection_interval = 2;
    settings_.search_interval = 6;
    finding_->faces = {face_at(10, 10, 40)};
    paint(frame.view(), *painter);
    finding_->faces = {face_at(30, 10, 40), face_at(200, 10, 40)};
    for (int i = 1; i < 6; ++i) {
        const FaceResult result = paint(frame.view(), *painter);
        EXPECT_EQ(result.faces.size(), 1u) << "nobody looks where the other one is";
        EXPECT_EQ(result.detection_size, WorkingSize{});
    }
    EXPECT_EQ(finding_->detections, 1);
    ASSERT_EQ(finding_->followed.size(), 2u);
    EXPECT_EQ(finding_->followed[0].x, 10);
    EXPECT_GT(finding_->followed[1].x, 15) << "it was found where it went";
    EXPECT_EQ(paint(frame.view(), *painter).faces.size(), 2u);
    EXPECT_EQ(finding_->detections, 2);
}

// One that is not found again fades as one that is missed; two that lead to the same face are one.
TEST_F(FacePainting, AFollowedFaceCanBeLost)
{
    const TestPicture frame(300, 100, 3, texture);
    const auto painter = copying_painter();
    settings_.detection_interval = 2;
    settings_.search_interval = 100;
    finding_->faces = {face_at(10, 10, 40), face_at(26, 10, 40)};
    EXPECT_EQ(paint(frame.view(), *painter).faces.size(), 2u);
    finding_->faces = {face_at(18, 10, 40)};
    FaceResult result;
    for (int i = 0; i < 12; ++i)
        result = paint(frame.view(), *painter);
    EXPECT_EQ(result.faces.size(), 1u);
    finding_->faces.clear();
    for (int i = 0; i < 20; ++i)
        result = paint(frame.view(), *painter);
    EXPECT_TRUE(result.faces.empty());
    EXPECT_EQ(finding_->detections, 1);
}

// More than are worth it are not followed: the whole frame is looked at.
TEST_F(FacePainting, ACrowdIsNotFollowed)
{
    const TestPicture frame(40 * 40, 100, 3, texture);
    const auto painter = copying_painter();
    settings_.detection_interval = 2;
    settings_.search_interval = 100;
    settings_.max_faces = 1;
    for (int i = 0; i < 33; ++i)
        finding_->faces.push_back(face_at(40 * i, 10, 40));
    for (int i = 0; i < 3; ++i)
        paint(frame.view(), *painter);
    EXPECT_EQ(finding_->detections, 2);
    EXPECT_TRUE(finding_->followed.empty());
}

// A face whose size is about what is painted with the frame does not change from one to the other and back.
TEST_F(FacePainting, AFaceAtTheLimitStaysWhatItIs)
{
    const TestPicture frame(300, 300, 3, texture);
    FakePainter painter([](const std::uint8_t *p) { return Colour{p[0], p[1], p[2]}; }, "small", 130);
    settings_.detection_interval = 2;
    settings_.skip_large = true;
    settings_.expand = 1; // painted apart below 39 pixels
    for (const auto &[side, painted] :
         {std::pair{36., 1u}, {42., 1u}, {36., 1u}, {44., 1u}, {60., 0u}, {41., 0u}}) {
        finding_->faces = {face_at(100, 100, side)};
        FaceResult result;
        for (int i = 0; i < 30; ++i)
            result = paint(frame.view(), painter);
        EXPECT_EQ(result.patches.size(), painted) << side;
        EXPECT_EQ(result.faces.size(), 1u);
    }
}

// The frame does not wait for a detector on a thread of its own, and goes on with the last boxes.
TEST_F(FacePainting, DetectionInTheBackground)
{
    class SlowDetector final : public FaceDetector
    {
    public:
        std::vector<Face> detect(const ConstImage &seen, const DetectionLimits &) override
        {
            EXPECT_EQ(seen.width, 100);
            entered.release();
            go_on.acquire();
            return {face_at(10, 10, 40)};
        }
        std::optional<Face> follow(const ConstImage &, const Face &) override { return std::nullopt; }
        std::counting_semaphore<> entered{0};
        std::counting_semaphore<> go_on{0};
    };
    auto owned = std::make_unique<SlowDetector>();
    SlowDetector &slow = *owned;
    FacePainter faces(std::move(owned));
    const TestPicture frame(100, 100, 3, texture);
    const auto painter = copying_painter();
    settings_.background = true;
    const auto next = [&] { return faces.paint(frame.view(), settings_, *painter, nullptr, cancel_); };
    EXPECT_TRUE(next().faces.empty());
    slow.entered.acquire();
    for (int i = 0; i < 5; ++i)
        EXPECT_TRUE(next().faces.empty()) << "it has not answered";
    slow.go_on.release();
    FaceResult result;
    while (result.faces.empty())
        result = next();
    EXPECT_EQ(result.faces[0].x, 10);
    EXPECT_GT(result.detection_ns, 0u);
    EXPECT_EQ(next().faces.size(), 1u);
    slow.go_on.release(1000); // whatever it looks at at the end
}

TEST_F(FacePainting, WhatTheDetectorThrowsInTheBackgroundIsSaid)
{
    class BrokenDetector final : public FaceDetector
    {
    public:
        std::vector<Face> detect(const ConstImage &, const DetectionLimits &) override
        {
            throw std::bad_alloc();
        }
        std::optional<Face> follow(const ConstImage &, const Face &) override { return std::nullopt; }
    };
    FacePainter faces(std::make_unique<BrokenDetector>());
    const TestPicture frame(100, 100, 3, texture);
    const auto painter = copying_painter();
    settings_.background = true;
    const auto until_it_throws = [&] {
        for (;;)
            faces.paint(frame.view(), settings_, *painter, nullptr, cancel_);
    };
    EXPECT_THROW(until_it_throws(), std::bad_alloc);
}

// Two people keep their boxes apart, and a new one does not glide in from elsewhere.
TEST_F(FacePainting, TracksSeveralFaces)
{
    const TestPicture frame(300, 100, 3, texture);
    const auto painter = copying_painter();
    settings_.detection_interval = 1000;
    finding_->faces = {face_at(10, 10, 40), face_at(100, 10, 40)};
    paint(frame.view(), *painter);
    painter_.forget();
    finding_->faces = {face_at(104, 10, 40), face_at(14, 10, 40), face_at(200, 10, 40)};
    const FaceResult result = paint(frame.view(), *painter);
    ASSERT_EQ(result.faces.size(), 3u);
    EXPECT_EQ(result.faces[0].x, 104) << "forgotten: no gliding";
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
