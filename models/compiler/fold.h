// SPDX-License-Identifier: LGPL-2.1-or-later
// The weights of a convolution once its input's quantisation is part of them.
#pragma once

#include "models/compiler/tensor.h"

#include <vector>

namespace anime::compiler
{

/// Weights and bias of a convolution and what is known of its input.
struct FoldSpec {
    int channels = 0; ///< of the output
    int groups = 1;
    int taps = 1;                      ///< of a kernel
    const std::vector<float> &weights; ///< (channels, input channels / groups, taps)
    const std::vector<float> &bias;    ///< empty: none
    const std::vector<float> &mean;    ///< of each input channel, in real values; empty: not known
    /// The products of two neighbouring input channels are added in 16 bits, which saturate (vpmaddubsw). The
    /// two largest weights of each sign among four neighbours then have a sum of at most `largest_pair`, so
    /// that no input can make them overflow, in whichever two of the four the CPU's instruction takes.
    bool paired = false;
    /// Instead of it: the products of a kernel's value (input channel, tap) are added to the sum of 16 bits
    /// with this number. No weights of one sign of a sum then come to more than `largest_pair`. Empty: none.
    std::vector<int> sums = {};
};

/// 255 · 128 is less than 2¹⁵.
constexpr int largest_pair = 128;

struct Folded {
    std::vector<float> weights; ///< whole numbers, −127 … 127
    std::vector<float> bias;    ///< in units of the accumulators, to which oneDNN adds it
    std::vector<float> scales;  ///< of each output channel's accumulators
};

Folded fold(const FoldSpec &spec, const Quant &input);

/// How large the error of rounding is beside the weights, both squared and added up.
double rounding_error(const FoldSpec &spec, const Quant &input, const Folded &folded);

} // namespace anime::compiler
