// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads and writes runs of pixels of a tensor as float, whatever its type.
#pragma once

#include "models/compiler/tensor.h"
#include "models/executors/onednn/compiler_names.h"
#include "models/executors/onednn/kernels/kernels.h"

#include <vector>

namespace anime::onednn
{

/// Pixels of a chunk.
inline int chunk_pixels(int channels)
{
    return channels < chunk_floats ? chunk_floats / channels : 1;
}

/// Room for one chunk: a pixel may have more channels than a chunk has floats.
constexpr int chunk_room = 4096;

class Reader
{
public:
    explicit Reader(const Tensor &tensor);
    /// `pixels` (at most a chunk's) from (x, y) on.
    void read(int x, int y, int pixels, float *out) const;
    const Tensor &tensor() const { return tensor_; }
    /// u8: x = q · scale + shift, for each value of a chunk.
    const float *scale() const { return scale_.data(); }
    const float *shift() const { return shift_.data(); }

private:
    const Tensor &tensor_;
    std::vector<float> scale_;
    std::vector<float> shift_;
};

class Writer
{
public:
    explicit Writer(Tensor &tensor);
    void write(int x, int y, int pixels, const float *in) const;
    const Tensor &tensor() const { return tensor_; }
    /// u8: q = x · unit + zero, for each value of a chunk.
    const float *unit() const { return scale_.data(); }
    const float *zero() const { return shift_.data(); }

private:
    Tensor &tensor_;
    std::vector<float> scale_;
    std::vector<float> shift_;
};

} // namespace anime::onednn
