// SPDX-License-Identifier: LGPL-2.1-or-later
// Carries face boxes from one detection to the next, so that they neither jump nor flicker.
#pragma once

#include "elements/facepaint/face.h"

#include <vector>

namespace anime
{

/// Boxes move half of the way to where they were last detected with each frame. A face that one detection
/// misses stays until the next.
class FaceTracker
{
public:
    /// A frame with a detection: takes the faces found.
    void detected(const std::vector<Face> &faces);

    /// One step of every box; the faces of this frame.
    std::vector<Face> next();

    void clear() { tracks_.clear(); }

private:
    struct Track {
        Face shown;
        Face target;
        bool missed = false;
    };
    std::vector<Track> tracks_;
};

} // namespace anime
