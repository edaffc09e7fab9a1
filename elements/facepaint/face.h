// SPDX-License-Identifier: LGPL-2.1-or-later
// A face on a frame.
#pragma once

#include <vector>

namespace anime
{

/// In pixels of the frame; pixel (0, 0) covers 0 to 1.
struct Point {
    double x = 0;
    double y = 0;

    bool operator==(const Point &) const = default;
};

/// The box runs about from brow to chin and from cheek to cheek, and may overhang the frame.
struct Face {
    double x = 0;
    double y = 0;
    double width = 0;
    double height = 0;
    double confidence = 0; ///< the detector's score; above 0, more is surer, 3 is very sure
    double presence = 1;   ///< the part of its painting that is shown: in video faces come and go slowly
    std::vector<Point> landmarks; ///< 68, in dlib's order, where they were asked for

    Point centre() const { return {x + width / 2, y + height / 2}; }
};

/// Area that two boxes have in common, as a share of what they cover together.
double overlap(const Face &a, const Face &b);

/// Boxes with this overlap, a few frames apart, are the same face.
inline constexpr double same_face = 0.3;

} // namespace anime
