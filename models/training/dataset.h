// SPDX-License-Identifier: LGPL-2.1-or-later
// Photos with the teacher's pictures of them, in memory, and the random crops that training draws.
#pragma once

#include "models/training/image_files.h"

#include <ATen/ATen.h>

#include <cstdint>
#include <string>
#include <vector>

namespace anime::training
{

/// Photos, and where the teacher's pictures of them lie.
struct Source {
    std::string photos; ///< folder or file
    std::string cache;  ///< folder
    PhotoSize size;
    int held_out_every = 0; ///< every n-th photo, from the first, is kept for evaluation; 0: none, 1: all
    int train_every = 1;    ///< of the other photos every n-th, from the first, is trained on
    bool mirror = true;     ///< train on mirrored photos too; the teacher's padding makes it no mirror image
};

enum class Split { training, held_out };

/// The photos of one split, sorted by name.
std::vector<std::string> photos_of(const Source &source, Split split);

struct Example {
    std::string name;
    at::Tensor photo;  ///< uint8 (3, H, W)
    at::Tensor target; ///< uint8 (3, H, W), the teacher's picture at the photo's brightness, colours as asked
    at::Tensor thumbnail; ///< float (3, 48, 48)
};

struct Batch {
    at::Tensor photo;     ///< float (B, 3, S, S)
    at::Tensor target;    ///< float (B, 3, S, S)
    at::Tensor thumbnail; ///< float (B, 3, 48, 48)
    at::Tensor mask;      ///< float (B, 1, S, S): 0 near a crop's border that is not the photo's border
};

/// The author's remedy for muted pictures: `picture` times mean luma of the photo / mean luma of the picture.
at::Tensor match_brightness(const at::Tensor &picture, const at::Tensor &photo);

/// `picture` with the photo's own colours: its Cb and Cr are moved by `amount` (0 to 1) times their local
/// mean distance to the photo's, a guided filter on the photo's luma (He et al., ECCV 2010) keeping the
/// borders.
at::Tensor match_colours(const at::Tensor &picture, const at::Tensor &photo, double amount);

/// The examples of one split, mirrored ones (training only) included, as far as the cache has them.
/// `colours`: see match_colours.
std::vector<Example> load_examples(const Source &source, Split split, double colours);

/// The crops of step `step`: a function of the seed and the step alone, so that a resumed run draws the same.
/// A photo is drawn as often as its pixels are many.
Batch draw_batch(const std::vector<Example> &examples, std::uint64_t seed, std::uint64_t step, int count,
                 int side);

} // namespace anime::training
