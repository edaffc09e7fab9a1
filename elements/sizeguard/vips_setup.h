// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

namespace anime
{

/// Starts libvips once in the process and makes it fit for untrusted input: of its loaders only those for PNG
/// and WebP stay usable (JPEG is read by JpegReader), no operation cache, at most two threads an image, no
/// log output. False: libvips can't start. Any thread.
bool set_up_vips();

} // namespace anime
