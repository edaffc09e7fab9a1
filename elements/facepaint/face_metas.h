// SPDX-License-Identifier: LGPL-2.1-or-later
// What facepaint says about faces to other elements and to applications.
#pragma once

#include "elements/facepaint/face.h"

#include <gst/gst.h>

#include <span>

namespace anime
{

/// Adds one GstVideoRegionOfInterestMeta of type `face` a face to `buffer`, which must be writable: the part
/// of the box on the frame, and a structure `detection` with confidence and landmarks.
void attach_regions(GstBuffer *buffer, std::span<const Face> faces, int frame_width, int frame_height);

/// Sets the field `faces` of a message: an array of structures `face` with x, y, width, height (int, the part
/// of the box on the frame), confidence (double) and, where they are known, landmarks (array of int: x and y
/// in turn).
void set_faces_field(GstStructure *message, std::span<const Face> faces, int frame_width, int frame_height);

} // namespace anime
