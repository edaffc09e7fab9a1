// SPDX-License-Identifier: LGPL-2.1-or-later
// One convolution as an executor gets it, with what is done to its value on the way.
#pragma once

#include "models/compiler/stage.h"

#include <optional>
#include <string>
#include <vector>

namespace anime::compiler
{

/// What a convolution does, in float32 and in terms of real values.
struct ConvSpec {
    std::string name;
    std::string node; ///< the graph's name for it; phases of one convolution share it
    int channels = 0; ///< of the output
    int kernel_height = 1;
    int kernel_width = 1;
    int stride = 1;
    int groups = 1;
    int skip = 0; ///< rows of the input's border that it leaves out above
    int skip_columns = 0;
    std::vector<float> weights; ///< (channels, input channels / groups, kernel_height, kernel_width)
    std::vector<float> bias;    ///< empty: none
    std::vector<float> mean;    ///< of each input channel; empty: not known
    std::optional<float> slope; ///< leaky activation
    bool tanh = false;
    const Vector *modulation = nullptr; ///< y · (1 + v[offset + c]) + v[offset + channels + c]
    int offset = 0;
    bool paired = false;  ///< with 8-bit input: Precision::int8_paired
    bool moments = false; ///< a norm follows: a stage that can adds up the output's moments on the way

    /// False for all phases of a convolution but one.
    bool first_of_node() const { return skip == 0 && skip_columns == 0; }

    /// What is done to its value on the way, as Stage::describe() says it.
    std::string on_the_way() const
    {
        return std::string(modulation ? " + modulation" : "") + (slope ? " + activation" : "");
    }

    /// Multiplications and additions of a frame, in units of 10⁹.
    double gmac(const Tensor &in, const Tensor &out) const
    {
        return 1e-9 * out.height * out.width * channels * (in.channels / groups) * kernel_height *
               kernel_width;
    }
};

} // namespace anime::compiler
