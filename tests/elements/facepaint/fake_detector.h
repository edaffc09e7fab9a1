// SPDX-License-Identifier: LGPL-2.1-or-later
// A detector that finds what the test says, and a face in one line.
#pragma once

#include "elements/facepaint/face_detector.h"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace anime
{

inline Face face_at(double x, double y, double side, double confidence = 1)
{
    return {.x = x, .y = y, .width = side, .height = side, .confidence = confidence, .landmarks = {}};
}

/// What the test sees and sets of its detector, which belongs to somebody else.
struct Finding {
    std::vector<Face> faces;
    int detections = 0;         ///< in the whole frame
    std::vector<Face> followed; ///< those that were looked for again
};

class FakeDetector final : public FaceDetector
{
public:
    explicit FakeDetector(std::shared_ptr<Finding> finding) : finding_(std::move(finding)) {}

    std::vector<Face> detect(const ConstImage &, const DetectionLimits &) override
    {
        ++finding_->detections;
        return finding_->faces;
    }

    std::optional<Face> follow(const ConstImage &, const Face &known) override
    {
        finding_->followed.push_back(known);
        for (const Face &face : finding_->faces)
            if (overlap(face, known) >= same_face)
                return face;
        return std::nullopt;
    }

private:
    std::shared_ptr<Finding> finding_;
};

} // namespace anime
