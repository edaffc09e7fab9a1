// SPDX-License-Identifier: LGPL-2.1-or-later
// Weights as the steps read them, in one piece of memory that is filled once and copied to the GPU.
#pragma once

#include "models/graph/graph.h"
#include "plugins/torch/cuda/kernels.h"

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace anime::cuda
{

/// A convolution as cuDNN is asked for it: with `fold` pixels of a row taken as the channels of one, it gives
/// `fold` pixels of its result at once. What few channels make narrow, so becomes wide enough for the matrix
/// units, at the price of (kernel + fold − 1) ÷ kernel multiplications.
struct PackedShape {
    int in_channels = 0; ///< of a pixel, padded
    int channels = 0;    ///< of a pixel, padded
    int kernel_height = 1;
    int kernel_width = 1; ///< in folded pixels
    int fold = 1;
};

class Packing
{
public:
    explicit Packing(Precision precision) : precision_(precision) {}

    /// Each returns the place in bytes(), the same one for the same node.
    std::size_t convolution(const Node &node, const PackedShape &shape);
    /// The four kernels of a convolution behind a legacy upsampling as one of 3×3 with four times the
    /// channels (models/compiler/phases.h); of its taps, 25 of 36 are not zero.
    std::size_t phases(const Node &node, int in_channels, int channels);
    /// (9, channels) in float32.
    std::size_t depthwise(const Node &node);
    /// In float32, rows of `row` values padded with zeros to `padded`.
    std::size_t floats(const Weight &weight, std::size_t row, std::size_t padded);

    const std::vector<std::byte> &bytes() const { return bytes_; }
    std::size_t element_size() const { return precision_ == Precision::f16 ? 2 : 4; }

private:
    /// Makes the values where the key is new; stores them as floats or in the precision.
    template <typename Make>
    std::size_t add(const std::string &key, bool as_floats, Make make);

    Precision precision_;
    std::vector<std::byte> bytes_;
    std::map<std::string, std::size_t> places_;
};

} // namespace anime::cuda
