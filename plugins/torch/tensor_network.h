// SPDX-License-Identifier: LGPL-2.1-or-later
// Networks that take and return tensors of floats: bytes become floats, and floats bytes, on the device that
// computes, so that a GPU is sent a quarter of what the floats are.
#pragma once

#include "plugins/torch/network.h"

namespace anime
{

class TensorNetwork : public Network
{
public:
    /// What the network's sides have to be; models/padding.h.
    TensorNetwork(torch::Device device, int multiple, int minimum)
        : device_(device), multiple_(multiple), minimum_(minimum)
    {
    }

    void paint(const AnimeTorchPicture &picture, unsigned worker, const std::atomic<bool> &cancel) final;
    void run(const float *in, float *out, int width, int height, const std::atomic<bool> &cancel) final;

protected:
    /// (1, 3, H, W) to (1, 3, H, W) in float32.
    virtual torch::Tensor forward(const torch::Tensor &picture, const std::atomic<bool> &cancel) = 0;

private:
    torch::Device device_;
    int multiple_;
    int minimum_;
};

} // namespace anime
