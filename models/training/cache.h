// SPDX-License-Identifier: LGPL-2.1-or-later
// The teacher's pictures of a set of photos, computed once and kept as files.
#pragma once

#include <string>

namespace anime::training
{

struct CacheOptions {
    std::string teacher;  ///< path of the .pt file
    std::string photos;   ///< folder or file
    std::string folder;   ///< where the pictures go
    int max_side = 0;     ///< photos are scaled down to this; 0: as they are
    bool flipped = false; ///< also the mirrored photo: the teacher's padding makes it no mirror image
};

/// Path of the teacher's picture of `photo`; exists once it was painted.
std::string cached_path(const std::string &folder, const std::string &photo, int max_side, bool flipped);

/// Paints what is not there yet; may be stopped and started at any time.
void fill_cache(const CacheOptions &options);

} // namespace anime::training
