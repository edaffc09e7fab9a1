// SPDX-License-Identifier: LGPL-2.1-or-later
// Reading and writing of the pictures that training uses, through libvips.
#pragma once

#include <ATen/ATen.h>

#include <string>
#include <vector>

namespace anime::training
{

struct PhotoSize {
    int max_side = 0;   ///< larger photos are scaled down so that the longest side is this; 0: as they are
    double enlarge = 1; ///< then all are scaled up by this: a stand-in for larger photos, which are softer
};

/// RGB, uint8, (3, H, W) contiguous, the right and bottom edges cropped to multiples of 4, as the networks
/// need. Throws std::runtime_error with the file's name.
at::Tensor read_photo(const std::string &path, const PhotoSize &size);

/// `picture`: RGB, uint8, (3, H, W). The format follows from the suffix of `path`. Replaces the file
/// atomically.
void write_picture(const at::Tensor &picture, const std::string &path);

/// The .jpg, .jpeg and .png files of a folder, or the file itself, sorted by name.
std::vector<std::string> list_photos(const std::string &path);

/// [-1, 1] float, any strides, to uint8.
at::Tensor to_bytes(const at::Tensor &picture);

/// uint8 to float in [-1, 1].
at::Tensor to_signed(const at::Tensor &bytes);

} // namespace anime::training
