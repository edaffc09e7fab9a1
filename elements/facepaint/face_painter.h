// SPDX-License-Identifier: LGPL-2.1-or-later
// What facepaint does to a frame: finds the faces, paints each at the size that the model likes, and hands
// them back as patches. Plain C++; the element puts the patches on the frame or attaches them.
#pragma once

#include "elements/common/scene_cut.h"
#include "elements/facepaint/background_detector.h"
#include "elements/facepaint/face.h"
#include "elements/facepaint/face_detector.h"
#include "elements/facepaint/face_tracker.h"
#include "elements/facepaint/landmarks.h"
#include "elements/overlay/patch.h"
#include "models/painter.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace anime
{

struct FaceSettings {
    DetectionLimits detection;
    unsigned max_faces = 32;
    unsigned detection_interval = 1; ///< frames from one detection to the next
    unsigned search_interval = 0;    ///< from one of the whole frame to the next; 0: each is
    bool background = false;         ///< detect on a thread of its own, with the last boxes until it answers
    double expand = 1.3;             ///< side of the crop, in sides of the face's box
    double feather = 0.5;            ///< width of the soft edge, in radii of the patch
    bool skip_large = false;         ///< leave out what the frame's painter paints as well by itself
};

struct FaceResult {
    std::vector<Face> faces;        ///< all that were kept, the surest first
    std::vector<Patch> patches;     ///< the painted ones, to be put on the frame in this order
    std::size_t found = 0;          ///< faces before max-faces was applied
    WorkingSize detection_size;     ///< 0 by 0: nothing was detected on this frame
    std::uint64_t detection_ns = 0; ///< also that of another thread which has answered
    std::uint64_t painting_ns = 0;
};

/// A crop with at least this share of the model's face size gains nothing from being painted by itself: the
/// features are large enough when the whole frame is painted, and enlarged they would lose the lines (looked
/// at: a box of 83 pixels is better painted by itself, one of 180 worse, with a face size of 512).
inline constexpr double large_enough = 0.3;

/// The side of the square on which a face is painted, for a crop with this side on the frame: enlarged at
/// most to the model's face size. In steps of 64, so that a face that moves in video meets few sizes.
int canvas_side(double crop_side, int face_size);

/// One stream of frames. Not thread-safe.
class FacePainter
{
public:
    explicit FacePainter(std::unique_ptr<FaceDetector> detector)
        : detector_(std::move(detector)), background_(*detector_)
    {
    }

    /// `predictor` may be null: faces are then painted as they lie. The patches have the frame's colours.
    /// Throws Error: cancelled, out-of-memory, and what dlib throws.
    FaceResult paint(const ConstImage &frame, const FaceSettings &settings, Painter &painter,
                     const LandmarkPredictor *predictor, const std::atomic<bool> &cancel);

    /// The next frame has nothing to do with the last one.
    void forget();

private:
    /// The faces of this frame, with `largest` as FaceTracker::next() has it.
    std::vector<Face> find(const ConstImage &frame, const FaceSettings &settings, double largest,
                           FaceResult &result);
    Detection detect(const ConstImage &frame, const FaceSettings &settings);
    /// Only the faces that are known, at their places; nothing where a search costs less.
    std::optional<Detection> follow(const ConstImage &frame);
    void forget_faces();

    std::unique_ptr<FaceDetector> detector_;
    BackgroundDetector background_; ///< behind detector_, which it uses
    SceneCut cut_;
    FaceTracker tracker_;
    unsigned frames_since_detection_ = 0; ///< 0: it is time for the next
    unsigned frames_since_search_ = 0;
};

} // namespace anime
