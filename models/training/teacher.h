// SPDX-License-Identifier: LGPL-2.1-or-later
// The AnimeGANv2 generator from a published state dict (.pt), with TensorFlow's legacy upsampling: what the
// student is trained to imitate.
#pragma once

#include <ATen/ATen.h>

#include <map>
#include <string>

namespace anime::training
{

class Teacher
{
public:
    /// Reads a state dict saved by torch.save; `type` is the precision of the convolutions.
    Teacher(const std::string &path, at::ScalarType type, const at::Device &device = at::kCPU);

    /// (B, 3, H, W) in [-1, 1], sides multiples of 4, to the same in float.
    at::Tensor paint(const at::Tensor &photo) const;

    /// Activations of the first layers (32 channels at full size, 64 at half), through which gradients flow.
    std::vector<at::Tensor> features(const at::Tensor &picture) const;

    const std::string &sha256() const { return sha256_; }
    const std::string &name() const { return name_; }

private:
    const at::Tensor &weight(const std::string &name) const;
    at::Tensor conv(const at::Tensor &x, const std::string &name, int stride, bool grouped) const;
    at::Tensor norm(const at::Tensor &x, const std::string &name, bool activate) const;
    at::Tensor layer(const at::Tensor &x, const std::string &name, int stride = 1) const;
    at::Tensor residual(const at::Tensor &x, const std::string &name) const;

    std::map<std::string, at::Tensor> weights_;
    at::ScalarType type_;
    std::string sha256_;
    std::string name_;
};

} // namespace anime::training
