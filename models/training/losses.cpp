// SPDX-License-Identifier: LGPL-2.1-or-later
// What training minimises and evaluation reports.
#include "models/training/losses.h"

#include <cmath>
#include <limits>

namespace anime::training
{
namespace
{

at::Tensor masked_mean(const at::Tensor &x, const at::Tensor &mask)
{
    return (x * mask).sum() / (mask.sum() * x.size(1)).clamp_min(1);
}

at::Tensor smooth_gaussian(const at::Tensor &x)
{
    const at::Tensor i = at::arange(11, at::kFloat) - 5;
    at::Tensor weights = at::exp(-i * i / (2 * 1.5 * 1.5));
    weights = weights / weights.sum();
    const at::Tensor rows =
        at::convolution(x, weights.view({1, 1, 11, 1}), {}, {1, 1}, {0, 0}, {1, 1}, false, {0, 0}, 1);
    return at::convolution(rows, weights.view({1, 1, 1, 11}), {}, {1, 1}, {0, 0}, {1, 1}, false, {0, 0}, 1);
}

double ssim(const at::Tensor &a, const at::Tensor &b)
{
    const double c1 = 0.01 * 255 * 0.01 * 255;
    const double c2 = 0.03 * 255 * 0.03 * 255;
    const at::Tensor mean_a = smooth_gaussian(a);
    const at::Tensor mean_b = smooth_gaussian(b);
    const at::Tensor var_a = smooth_gaussian(a * a) - mean_a * mean_a;
    const at::Tensor var_b = smooth_gaussian(b * b) - mean_b * mean_b;
    const at::Tensor covariance = smooth_gaussian(a * b) - mean_a * mean_b;
    const at::Tensor map = (2 * mean_a * mean_b + c1) * (2 * covariance + c2) /
                           ((mean_a * mean_a + mean_b * mean_b + c1) * (var_a + var_b + c2));
    return map.mean().item<double>();
}

} // namespace

at::Tensor luma(const at::Tensor &picture)
{
    return 0.299 * picture.narrow(1, 0, 1) + 0.587 * picture.narrow(1, 1, 1) +
           0.114 * picture.narrow(1, 2, 1);
}

at::Tensor sobel(const at::Tensor &picture)
{
    const int64_t rows = picture.size(2) - 2;
    const int64_t columns = picture.size(3) - 2;
    const at::Tensor across = picture.narrow(3, 2, columns) - picture.narrow(3, 0, columns);
    const at::Tensor down = picture.narrow(2, 2, rows) - picture.narrow(2, 0, rows);
    const at::Tensor x =
        across.narrow(2, 0, rows) + 2 * across.narrow(2, 1, rows) + across.narrow(2, 2, rows);
    const at::Tensor y =
        down.narrow(3, 0, columns) + 2 * down.narrow(3, 1, columns) + down.narrow(3, 2, columns);
    return at::cat({x, y}, 1) / 4;
}

at::Tensor edge_strength(const at::Tensor &picture)
{
    const at::Tensor gradients = sobel(luma(picture));
    // The small term keeps the square root's slope finite on flat areas.
    return at::sqrt(gradients.square().sum(1, true) + 1e-6);
}

at::Tensor loss(const at::Tensor &painted, const at::Tensor &target, const at::Tensor &mask,
                const LossWeights &weights)
{
    at::Tensor total = weights.l1 * masked_mean((painted - target).abs(), mask);
    const at::Tensor inner = mask.narrow(2, 1, mask.size(2) - 2).narrow(3, 1, mask.size(3) - 2);
    if (weights.edges > 0) {
        total = total + weights.edges * masked_mean((sobel(painted) - sobel(target)).abs(), inner);
    }
    if (weights.energy > 0) {
        const auto strength = [&](const at::Tensor &picture) {
            return at::avg_pool2d(edge_strength(picture) * inner, {6, 6}, {3, 3});
        };
        total = total + weights.energy * (strength(painted) - strength(target)).abs().mean();
    }
    if (weights.colour > 0) {
        // L1 asks for the median of each pixel, which may be off in the same direction all over a picture.
        const at::Tensor means = at::avg_pool2d((painted - target) * mask, {48, 48}, {48, 48});
        total = total + weights.colour * means.abs().mean();
    }
    return total;
}

Scores score(const at::Tensor &painted, const at::Tensor &target)
{
    const at::Tensor a = painted.to(at::kFloat).unsqueeze(0);
    const at::Tensor b = target.to(at::kFloat).unsqueeze(0);
    const double error = (a - b).square().mean().item<double>();
    Scores scores;
    scores.psnr =
        error > 0 ? 10 * std::log10(255.0 * 255.0 / error) : std::numeric_limits<double>::infinity();
    scores.ssim = ssim(luma(a), luma(b));
    const double wanted = edge_strength(b).sum().item<double>();
    scores.edge_energy = edge_strength(a).sum().item<double>() / wanted;
    scores.colour_error = (a.mean({0, 2, 3}) - b.mean({0, 2, 3})).abs().mean().item<double>();
    return scores;
}

} // namespace anime::training
