// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/facepaint/face_tracker.h"

#include <algorithm>

namespace anime
{

namespace
{

/// Share of the area of both that two boxes have in common when they are the same face a few frames apart.
constexpr double same_face = 0.3;
constexpr double step = 0.5;

double overlap(const Face &a, const Face &b)
{
    const double width = std::min(a.x + a.width, b.x + b.width) - std::max(a.x, b.x);
    const double height = std::min(a.y + a.height, b.y + b.height) - std::max(a.y, b.y);
    if (width <= 0 || height <= 0)
        return 0;
    const double common = width * height;
    return common / (a.width * a.height + b.width * b.height - common);
}

void move(double &value, double target)
{
    value += (target - value) * step;
}

} // namespace

void FaceTracker::detected(const std::vector<Face> &faces)
{
    std::vector<Track> tracks;
    for (const Face &face : faces) {
        const auto same =
            std::max_element(tracks_.begin(), tracks_.end(), [&](const Track &a, const Track &b) {
                return overlap(a.target, face) < overlap(b.target, face);
            });
        if (same != tracks_.end() && overlap(same->target, face) >= same_face) {
            tracks.push_back({same->shown, face});
            tracks_.erase(same);
        } else {
            tracks.push_back({face, face});
        }
    }
    for (Track &track : tracks_)
        if (!track.missed)
            tracks.push_back({track.shown, track.target, true});
    tracks_ = std::move(tracks);
}

std::vector<Face> FaceTracker::next()
{
    std::vector<Face> faces;
    for (Track &track : tracks_) {
        move(track.shown.x, track.target.x);
        move(track.shown.y, track.target.y);
        move(track.shown.width, track.target.width);
        move(track.shown.height, track.target.height);
        track.shown.confidence = track.target.confidence;
        faces.push_back(track.shown);
    }
    return faces;
}

} // namespace anime
