// SPDX-License-Identifier: LGPL-2.1-or-later
// Photos with the teacher's pictures of them, in memory, and the random crops that training draws.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <string>
#include <vector>

namespace anime::training
{

/// Photos of a folder whose teacher pictures lie in `cache` (see cached_path).
struct Source {
    std::string photos;
    std::string cache;
    int max_side = 0;
    int held_out_every = 0; ///< every n-th photo, from the first, is kept for evaluation; 0: none, 1: all
};

struct Example {
    std::string name;
    at::Tensor photo;     ///< uint8 (3, H, W)
    at::Tensor target;    ///< uint8 (3, H, W), the teacher's picture at the photo's brightness
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

enum class Split { training, held_out };

/// The examples of one split, mirrored ones (training only) included, as far as the cache has them.
std::vector<Example> load_examples(const Source &source, Split split);

/// The crops of step `step`: a function of the seed and the step alone, so that a resumed run draws the same.
Batch draw_batch(const std::vector<Example> &examples, std::uint64_t seed, std::uint64_t step, int count,
                 int side);

} // namespace anime::training
