// SPDX-License-Identifier: LGPL-2.1-or-later
// What the stages of bytes make of a convolution's sums: each channel's values by one factor and one addend.
#pragma once

#include "models/compiler/conv_spec.h"
#include "models/executors/onednn/compiler_names.h"

#include <vector>

namespace anime::onednn
{

struct ByteOutput {
    ByteOutput() = default;
    /// `channels`: as many as the kernels read, zeros behind those of the convolution.
    explicit ByteOutput(std::size_t channels)
        : unit(channels, 0.0F), constant(channels, 0.0F), scale(channels, 0.0F), shift(channels, 0.0F)
    {
    }

    /// A frame begins: y · (1 + v) + addend, in units of `out`.
    void begin(const ConvSpec &spec, const Tensor &out)
    {
        const float *v =
            spec.modulation && !spec.modulation->empty() ? spec.modulation->data() + spec.offset : nullptr;
        for (int n = 0; n < spec.channels; ++n) {
            const float factor = v ? 1.0F + v[n] : 1.0F;
            const float addend = v ? v[spec.channels + n] : 0.0F;
            const float of_out = out.quant ? out.quant->scale[n] : 1.0F;
            scale[n] = unit[n] * factor / of_out;
            shift[n] = (constant[n] * factor + addend) / of_out;
        }
    }

    std::size_t held_bytes() const { return 4 * unit.size() * sizeof(float); }

    std::vector<float> unit;     ///< what a sum of 1 is worth
    std::vector<float> constant; ///< what is added to that: bias, zeros of the input, what rounding took away
    std::vector<float> scale;    ///< both of this frame
    std::vector<float> shift;
};

} // namespace anime::onednn
