// SPDX-License-Identifier: LGPL-2.1-or-later
// The square around a face that is painted: where it lies, how it is taken out of the frame at another size,
// and how it is put back with a soft edge.
#pragma once

#include "elements/facepaint/face.h"
#include "elements/overlay/patch.h"
#include "models/image.h"

#include <vector>

namespace anime
{

/// A square on the frame, which it may overhang, turned by `angle` (radians, clockwise as seen) about its
/// centre.
struct Crop {
    Point centre;
    double side = 0;
    double angle = 0;
};

/// The square around the face's box, whose longer side is multiplied by `expand`.
Crop crop_around(const Face &face, double expand, double angle);

/// The same square at whole pixels, so that taking it out at its own size moves none. For angle 0.
Crop aligned_to_pixels(const Crop &crop);

/// A picture of its own, RGB.
struct Canvas {
    Canvas(int width, int height)
        : bytes(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3),
          image{bytes.data(), width, height, width * std::ptrdiff_t{3}, 3}
    {
    }
    Canvas(const Canvas &) = delete;
    Canvas &operator=(const Canvas &) = delete;

    std::vector<std::uint8_t> bytes;
    Image image;
};

/// Fills `canvas`, a square, with what the crop shows: bicubic where it is enlarged. Outside of the frame its
/// nearest pixels repeat.
void take_out(const ConstImage &frame, const Crop &crop, const Image &canvas);

/// The patch that puts `canvas` back where `crop` lies, cut off at a frame of this size, each pixel the mean
/// of those that it covers. Alpha falls from 255 to 0 over the outer `feather` (0 to 1) of the radius of the
/// circle inside the crop, times `presence`. Empty if none of it is on the frame.
Patch put_back(const ConstImage &canvas, const Crop &crop, int frame_width, int frame_height, double feather,
               double presence = 1);

/// The alpha (0 to 1) at this distance from the centre, in radii.
double feather_alpha(double distance, double feather);

} // namespace anime
