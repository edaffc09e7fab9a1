// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/facepaint/face_tracker.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace anime
{

namespace
{

/// A detection that misses the estimate by less than `noise` (in sides of the box; of a size, as a share of
/// it) moves it by `least` of the way; one that misses it by `motion` or more, all the way.
constexpr double least = 0.2;
constexpr double position_noise = 0.05;
constexpr double position_motion = 0.25;
constexpr double size_noise = 0.1;
constexpr double size_motion = 0.5;
/// How far the estimate may leave the box that is shown.
constexpr double still_position = 0.06;
constexpr double still_size = 0.1;
/// Part of the way of a box that glides, with each frame, and where it has arrived.
constexpr double glide_step = 0.5;
constexpr double arrived = 0.01;
/// Of a face that fades in or out, with each frame.
constexpr double fade_step = 0.25;
/// By which a face that is shown may be larger than `largest`.
constexpr double margin = 7.0 / 6;
constexpr int most_missed = 4;

double part(double miss, double noise, double motion)
{
    return std::clamp((miss - noise) / (motion - noise), least, 1.0);
}

} // namespace

double overlap(const Face &a, const Face &b)
{
    const double width = std::min(a.x + a.width, b.x + b.width) - std::max(a.x, b.x);
    const double height = std::min(a.y + a.height, b.y + b.height) - std::max(a.y, b.y);
    if (width <= 0 || height <= 0)
        return 0;
    const double common = width * height;
    return common / (a.width * a.height + b.width * b.height - common);
}

void FaceTracker::update(Track &track, const Face &face)
{
    const double side = std::max(track.width, track.height);
    const Point centre = face.centre();
    const double position =
        part(std::hypot(centre.x - track.x, centre.y - track.y) / side, position_noise, position_motion);
    track.x += position * (centre.x - track.x);
    track.y += position * (centre.y - track.y);
    const double size = part(std::abs(std::max(face.width, face.height) / side - 1), size_noise, size_motion);
    track.width += size * (face.width - track.width);
    track.height += size * (face.height - track.height);
    track.shown.confidence += least * (face.confidence - track.shown.confidence);
    track.found = std::min(track.found + 1, most_missed);
    track.missed = 0;
}

void FaceTracker::detected(const std::vector<Face> &faces)
{
    std::vector<Track> tracks;
    for (const Face &face : faces) {
        const auto same =
            std::max_element(tracks_.begin(), tracks_.end(), [&](const Track &a, const Track &b) {
                return overlap(a.shown, face) < overlap(b.shown, face);
            });
        if (same != tracks_.end() && overlap(same->shown, face) >= same_face) {
            update(*same, face);
            tracks.push_back(*same);
            tracks_.erase(same);
        } else {
            Track track{.shown = face,
                        .x = face.centre().x,
                        .y = face.centre().y,
                        .width = face.width,
                        .height = face.height};
            track.shown.presence = 0;
            tracks.push_back(std::move(track));
        }
    }
    for (Track &track : tracks_) {
        ++track.missed;
        tracks.push_back(std::move(track));
    }
    tracks_ = std::move(tracks);
}

void FaceTracker::glide(Track &track)
{
    Face &shown = track.shown;
    const double side = std::max(shown.width, shown.height);
    const auto left = [&] {
        return std::hypot(track.x - shown.centre().x, track.y - shown.centre().y) / side;
    };
    const auto grown = [&] { return std::abs(std::max(track.width, track.height) / side - 1); };
    if (left() > still_position || grown() > still_size)
        track.gliding = true;
    if (!track.gliding)
        return;
    const Point centre = shown.centre();
    shown.width += glide_step * (track.width - shown.width);
    shown.height += glide_step * (track.height - shown.height);
    shown.x = centre.x + glide_step * (track.x - centre.x) - shown.width / 2;
    shown.y = centre.y + glide_step * (track.y - centre.y) - shown.height / 2;
    track.gliding = left() > arrived || grown() > arrived;
}

std::vector<Face> FaceTracker::next(double largest)
{
    std::vector<Face> faces;
    for (Track &track : tracks_) {
        glide(track);
        const double side = std::max(track.shown.width, track.shown.height);
        track.wanted = track.missed <= track.found && side < largest * (track.wanted ? margin : 1);
        const double goal = track.wanted ? 1 : 0;
        const double step = started_ ? fade_step : 1;
        track.shown.presence += std::clamp(goal - track.shown.presence, -step, step);
    }
    started_ = true;
    std::erase_if(tracks_,
                  [](const Track &track) { return track.missed > track.found && track.shown.presence <= 0; });
    for (const Track &track : tracks_)
        faces.push_back(track.shown);
    return faces;
}

std::vector<Face> FaceTracker::known() const
{
    std::vector<Face> faces;
    for (const Track &track : tracks_)
        if (track.missed <= track.found)
            faces.push_back(track.shown);
    return faces;
}

void FaceTracker::clear()
{
    tracks_.clear();
    started_ = false;
}

} // namespace anime
