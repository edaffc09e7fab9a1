// SPDX-License-Identifier: LGPL-2.1-or-later
// Finds faces. The detector is dlib's, a histogram of oriented gradients; nobody else sees dlib.
#pragma once

#include "elements/facepaint/face.h"
#include "models/image.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace anime
{

/// Side of the smallest box that can be found: enlarging the frame further shows the detector nothing new.
inline constexpr int smallest_face = 40;

/// What bounds the cost of one detection: about 75 ns a pixel of the working size, on one core.
struct DetectionLimits {
    int min_face_size = smallest_face;    ///< side of the smallest box that is looked for, in pixels
    std::uint64_t max_pixels = 2'000'000; ///< of the working size; beyond it, small faces are missed

    bool operator==(const DetectionLimits &) const = default;
};

/// The size at which the detector looks at a frame.
struct WorkingSize {
    int width = 0;
    int height = 0;

    bool operator==(const WorkingSize &) const = default;
};

/// Scales the frame so that the smallest face asked for is as large as the detector's window (80 pixels), up
/// to `max_pixels`. Both sides are 0 where no face can fit in the frame.
WorkingSize working_size(int width, int height, const DetectionLimits &limits);

/// Finds the faces of a frame, the surest first. Not bound to a thread; one call at a time.
class FaceDetector
{
public:
    virtual ~FaceDetector() = default;

    virtual std::vector<Face> detect(const ConstImage &frame, const DetectionLimits &limits) = 0;

    /// Looks again for a face of some frames ago, within its box and half a side around, in sizes up to a
    /// fifth off. Costs the same for each face, 3 ms: a sixtieth of what detect() does in two million pixels.
    virtual std::optional<Face> follow(const ConstImage &frame, const Face &known) = 0;
};

/// dlib's frontal detector. It works on two threads where there are two cores.
std::unique_ptr<FaceDetector> make_hog_detector();

} // namespace anime
