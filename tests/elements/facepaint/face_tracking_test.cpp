// SPDX-License-Identifier: LGPL-2.1-or-later
// Faces from one frame of a video to the next: found, followed, missed, on a thread of its own.
#include "face_painting_fixture.h"

#include <algorithm>
#include <new>
#include <semaphore>
#include <utility>
#include <vector>

namespace anime
{
namespace
{

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

} // namespace
} // namespace anime
