// SPDX-License-Identifier: LGPL-2.1-or-later
// The "lite" network as training sees it. models/graph/lite.cpp describes the same network to the engine.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace anime::training
{

/// Named parameters in the order of the network, so that files and optimizers agree on it.
using Parameters = std::vector<std::pair<std::string, at::Tensor>>;

/// The same on `device`; tensors that are there already are shared.
Parameters on_device(const Parameters &parameters, const at::Device &device);

class Student
{
public:
    /// He initialisation from `seed`; the global branch starts by changing nothing.
    explicit Student(std::uint64_t seed);
    explicit Student(Parameters parameters);

    /// `photo` (B, 3, H, W) in [-1, 1], sides multiples of 4; `thumbnail` of the whole photos it was cut
    /// from, (B, 3, 48, 48). Convolutions run in `type`. Float, not clamped, so that gradients flow
    /// everywhere.
    at::Tensor paint(const at::Tensor &photo, const at::Tensor &thumbnail, at::ScalarType type) const;

    Parameters &parameters() { return parameters_; }
    const Parameters &parameters() const { return parameters_; }
    const at::Tensor &parameter(const std::string &name) const;

private:
    at::Tensor conv(const at::Tensor &x, const std::string &name, int stride = 1) const;
    at::Tensor global(const at::Tensor &thumbnail) const;

    Parameters parameters_;
};

/// Area mean of the whole picture (B, 3, H, W), 48×48, as the global branch sees it.
at::Tensor thumbnail_of(const at::Tensor &photo);

} // namespace anime::training
