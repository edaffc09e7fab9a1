// SPDX-License-Identifier: LGPL-2.1-or-later
// Bytes to tensors and back.
#include "plugins/torch/tensor_network.h"

#include "models/padding.h"

#include <utility>
#include <vector>

namespace anime
{

namespace
{

/// Interleaved bytes where they lie, (H, W, 3). from_blob takes a mutable pointer.
torch::Tensor view(const std::uint8_t *data, std::ptrdiff_t stride, int pixel, int width, int height)
{
    return torch::from_blob(const_cast<std::uint8_t *>(data), {height, width, 3}, {stride, pixel, 1},
                            torch::kByte);
}

/// `x` with `dim` mirrored at its end up to `side`.
torch::Tensor padded(const torch::Tensor &x, std::int64_t dim, int side)
{
    const int size = static_cast<int>(x.size(dim));
    if (size == side)
        return x;
    std::vector<std::int64_t> from(side);
    for (int i = 0; i < side; ++i)
        from[i] = mirrored(i, size);
    return x.index_select(dim, torch::tensor(from).to(x.device()));
}

} // namespace

void TensorNetwork::paint(const AnimeTorchPicture &p, unsigned, const std::atomic<bool> &cancel)
{
    torch::Tensor bytes = view(p.in, p.in_stride, p.in_pixel, p.width, p.height).contiguous().to(device_);
    bytes = padded(bytes, 0, padded_side(p.height, multiple_, minimum_));
    bytes = padded(bytes, 1, padded_side(p.width, multiple_, minimum_));
    const torch::Tensor picture =
        bytes.permute({2, 0, 1}).unsqueeze(0).to(torch::kFloat32).contiguous().div_(127.5).sub_(1.0);
    const torch::Tensor painted = forward(picture, cancel);
    const torch::Tensor colours =
        painted[0].narrow(1, 0, p.height).narrow(2, 0, p.width).add(1.0).mul_(127.5).round_().clamp_(0, 255);
    const torch::Tensor result = colours.permute({1, 2, 0}).to(torch::kByte).contiguous().to(torch::kCPU);
    view(p.out, p.out_stride, p.out_pixel, p.width, p.height).copy_(result);
}

void TensorNetwork::run(const float *in, float *out, int width, int height, const std::atomic<bool> &cancel)
{
    // from_blob takes a mutable pointer; the networks don't write into their input.
    const torch::Tensor picture =
        torch::from_blob(const_cast<float *>(in), {1, 3, height, width}, torch::kFloat32).to(device_);
    torch::from_blob(out, {1, 3, height, width}, torch::kFloat32).copy_(forward(picture, cancel));
}

} // namespace anime
