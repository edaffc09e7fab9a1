// SPDX-License-Identifier: LGPL-2.1-or-later
// What training minimises and evaluation reports. Pictures are float (B, 3, H, W), in [-1, 1] for the losses
// and in grey levels [0, 255] for the scores.
#pragma once

#include <ATen/ATen.h>

namespace anime::training
{

struct LossWeights {
    double l1 = 1;     ///< absolute difference
    double edges = 0;  ///< absolute difference of the Sobel gradients
    double energy = 0; ///< difference of the gradients' local strength, wherever exactly they lie
    double colour = 0; ///< difference of the means over windows of 48×48 pixels
};

/// Luma (B, 1, H, W), weights .299 .587 .114.
at::Tensor luma(const at::Tensor &picture);

/// Sobel gradients of each channel, (B, 2C, H − 2, W − 2): the horizontal ones, then the vertical. A step by
/// 1 gives 1.
at::Tensor sobel(const at::Tensor &picture);

/// Strength of the luma's gradient, (B, 1, H − 2, W − 2).
at::Tensor edge_strength(const at::Tensor &picture);

/// `mask`: (B, 1, H, W), what counts.
at::Tensor loss(const at::Tensor &painted, const at::Tensor &target, const at::Tensor &mask,
                const LossWeights &weights);

struct Scores {
    double psnr = 0;         ///< dB, over all channels
    double ssim = 0;         ///< of the luma, 11×11 Gaussian window with deviation 1.5
    double edge_energy = 0;  ///< sum of edge strength, as a part of the target's
    double colour_error = 0; ///< mean over channels of |difference of the means|, grey levels
};

/// One picture against its target, both (3, H, W) uint8.
Scores score(const at::Tensor &painted, const at::Tensor &target);

} // namespace anime::training
