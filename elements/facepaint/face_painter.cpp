// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/facepaint/face_painter.h"

#include "elements/common/stopwatch.h"
#include "elements/facepaint/crop.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace anime
{

namespace
{

/// What the eye likes best: less, and the features are lost; more, and the face looks like a photo among
/// drawings, with blotches where the model takes the softness for shade.
constexpr double enlargement = 2;
/// The executor makes a plan for each size that it meets, which takes longer than painting, so there are few.
constexpr int size_step = 64;
/// To follow so many costs half of what looking at the whole frame does.
constexpr std::size_t most_followed = 32;

void throw_if_cancelled(const std::atomic<bool> &cancel)
{
    if (cancel)
        throw Error("cancelled", "Painting the faces was cancelled.");
}

} // namespace

int canvas_side(double crop_side, int face_size)
{
    const bool large = crop_side >= face_size;
    const int steps = static_cast<int>(std::ceil(crop_side * (large ? 1 : enlargement) / size_step));
    const int side = std::max(1, steps) * size_step;
    return large ? side : std::min(face_size, side);
}

Detection FacePainter::detect(const ConstImage &frame, const FaceSettings &settings)
{
    const Stopwatch watch;
    Detection detection;
    detection.faces = detector_->detect(frame, settings.detection);
    detection.size = working_size(frame.width, frame.height, settings.detection);
    detection.ns = watch.ns();
    return detection;
}

std::optional<Detection> FacePainter::follow(const ConstImage &frame)
{
    const Stopwatch watch;
    const std::vector<Face> known = tracker_.known();
    if (known.size() > most_followed)
        return std::nullopt;
    Detection detection;
    for (const Face &face : known) {
        std::optional<Face> found = detector_->follow(frame, face);
        // Two that come close to each other may both lead to the same.
        if (found && std::ranges::none_of(detection.faces, [&](const Face &other) {
                return overlap(other, *found) >= same_face;
            }))
            detection.faces.push_back(std::move(*found));
    }
    detection.ns = watch.ns();
    return detection;
}

std::vector<Face> FacePainter::find(const ConstImage &frame, const FaceSettings &settings, double largest,
                                    FaceResult &result)
{
    if (settings.max_faces == 0) {
        forget();
        return {};
    }
    const bool still = settings.detection_interval <= 1 && !settings.background;
    if (cut_.is_cut(frame) || still)
        forget_faces();
    std::optional<Detection> detection;
    if (settings.background) {
        detection = background_.take();
        background_.look(frame, settings.detection);
    } else if (frames_since_detection_ == 0) {
        if (frames_since_search_ > 0 && frames_since_search_ < settings.search_interval)
            detection = follow(frame);
        if (!detection) {
            detection = detect(frame, settings);
            frames_since_search_ = 0;
        }
    }
    if (!settings.background) {
        frames_since_detection_ = (frames_since_detection_ + 1) % settings.detection_interval;
        ++frames_since_search_;
    }
    if (detection) {
        result.detection_size = detection->size;
        result.detection_ns = detection->ns;
        tracker_.detected(detection->faces);
    }
    return tracker_.next(largest);
}

FaceResult FacePainter::paint(const ConstImage &frame, const FaceSettings &settings, Painter &painter,
                              const LandmarkPredictor *predictor, const std::atomic<bool> &cancel)
{
    FaceResult result;
    const int face_size = painter.info().face_size;
    const double largest = settings.skip_large ? large_enough * face_size / settings.expand : HUGE_VAL;
    result.faces = find(frame, settings, largest, result);
    result.found = result.faces.size();
    std::stable_sort(result.faces.begin(), result.faces.end(),
                     [](const Face &a, const Face &b) { return a.confidence > b.confidence; });
    if (result.faces.size() > settings.max_faces)
        result.faces.resize(settings.max_faces);
    for (Face &face : result.faces) {
        throw_if_cancelled(cancel);
        if (predictor)
            face.landmarks = predictor->predict(frame, face);
    }

    const Stopwatch painting;
    // The surest last, so that it lies on top where two overlap.
    for (auto face = result.faces.rbegin(); face != result.faces.rend(); ++face) {
        throw_if_cancelled(cancel);
        Crop crop = crop_around(*face, settings.expand, eye_angle(face->landmarks));
        if (face->presence <= 0)
            continue;
        crop.side = std::min(crop.side, static_cast<double>(std::max(frame.width, frame.height)));
        if (crop.side >= face_size)
            crop.side = 2 * std::floor(crop.side / 2); // an even number, so that margins are whole pixels
        if (crop.angle == 0)
            crop = aligned_to_pixels(crop);
        const int side = canvas_side(crop.side, face_size);
        // A large face is painted as it is, with as much around it as fills the canvas.
        const int margin = crop.side < face_size ? 0 : (side - static_cast<int>(crop.side)) / 2;
        const Canvas photo(side, side);
        const Canvas painted(side, side);
        take_out(frame, {crop.centre, crop.side + 2 * margin, crop.angle}, photo.image);
        painter.paint(as_const(photo.image), painted.image, cancel);
        const ConstImage middle{painted.image.at(margin, margin), side - 2 * margin, side - 2 * margin,
                                painted.image.stride, 3};
        Patch patch = put_back(middle, crop, frame.width, frame.height, settings.feather, face->presence);
        match_colours(patch, frame);
        if (!patch.rgba.empty())
            result.patches.push_back(std::move(patch));
    }
    result.painting_ns = result.patches.empty() ? 0 : painting.ns();
    return result;
}

void FacePainter::forget_faces()
{
    tracker_.clear();
    background_.forget();
    frames_since_detection_ = 0;
    frames_since_search_ = 0;
}

void FacePainter::forget()
{
    forget_faces();
    cut_.forget();
}

} // namespace anime
