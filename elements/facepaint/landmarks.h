// SPDX-License-Identifier: LGPL-2.1-or-later
// Finds the 68 landmarks of a face with dlib's predictor (Debian's libdlib-data), and levels the eyes by
// them.
#pragma once

#include "elements/facepaint/face.h"
#include "models/image.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace anime
{

/// Immutable; safe to call from several threads.
class LandmarkPredictor
{
public:
    virtual ~LandmarkPredictor() = default;

    /// The landmarks of the face in this box, in pixels of the frame.
    virtual std::vector<Point> predict(const ConstImage &frame, const Face &face) const = 0;
};

/// Where Debian's libdlib-data puts the predictor.
inline constexpr const char *default_predictor_path = "/usr/share/dlib/shape_predictor_68_face_landmarks.dat";

/// Loads the predictor: 90 MB and 0.4 s, once in a process for as long as somebody holds it. Throws Error
/// model-missing or model-invalid.
std::shared_ptr<const LandmarkPredictor> load_landmark_predictor(const std::string &path);

/// By how much the line through the eyes falls to the right, in radians; 0 without 68 landmarks.
double eye_angle(std::span<const Point> landmarks);

} // namespace anime
