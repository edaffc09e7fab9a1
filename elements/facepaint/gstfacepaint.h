// SPDX-License-Identifier: LGPL-2.1-or-later
// The element facepaint: finds faces and paints each at the size that the model likes.
#pragma once

#include "elements/facepaint/face_detector.h"
#include "elements/facepaint/landmarks.h"
#include "elements/painting/paint_properties.h"

#include <gst/gst.h>

#include <functional>
#include <memory>
#include <string>

G_BEGIN_DECLS
    GST_ELEMENT_REGISTER_DECLARE(facepaint)
G_END_DECLS

namespace anime
{

/// What a facepaint is made of.
struct FaceParts {
    PainterOpener open_painter = anime::open_painter;
    std::function<std::unique_ptr<FaceDetector>()> make_detector = make_hog_detector;
    std::function<std::shared_ptr<const LandmarkPredictor>()> load_predictor = [] {
        return load_landmark_predictor(default_predictor_path);
    };
};

/// Gives other parts to a facepaint that has not started yet; tests bring some whose answers are known.
void set_face_parts(GstElement *element, FaceParts parts);

} // namespace anime
