// SPDX-License-Identifier: LGPL-2.1-or-later
// Carries painted faces on a buffer, as GstVideoOverlayCompositionMeta, from facepaint to animeganfilter.
// Whatever else blends or shows overlays sees ordinary ones.
#pragma once

#include "elements/overlay/patch.h"

#include <gst/gst.h>

#include <span>
#include <vector>

namespace anime
{

/// Adds the patches to the overlays of `buffer`, which must be writable, behind those that it already has.
/// They are marked as painted faces. Throws std::bad_alloc; none is added then.
void attach_face_patches(GstBuffer *buffer, std::span<const Patch> patches);

/// The painted faces among the overlays of `buffer`, in the order in which they were attached. Match their
/// colours to the painted frame before blending: they bear those of the photo.
std::vector<Patch> read_face_patches(GstBuffer *buffer);

/// Removes the painted faces from `buffer`, which must be writable, once they are blended. Other overlays,
/// for example subtitles, stay for whoever comes downstream.
void remove_face_patches(GstBuffer *buffer);

} // namespace anime
