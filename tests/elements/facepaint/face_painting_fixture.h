// SPDX-License-Identifier: LGPL-2.1-or-later
// A FacePainter with a detector that the test knows.
#pragma once

#include "elements/facepaint/face_painter.h"
#include "fake_detector.h"
#include "test_picture.h"
#include "tests/elements/fake_painter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>

namespace anime
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

} // namespace anime
