// SPDX-License-Identifier: LGPL-2.1-or-later
// What the tests of our own convolutions share: the sum that defines a convolution, and a frame in strips.
#pragma once

#include "models/executors/onednn/stages/conv_stage.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace anime::onednn
{

/// Of `in`, whose get(y, x, channel) counts rows and columns with the border.
template <typename Input>
double direct(const ConvSpec &spec, const Input &in, int y, int x, int n)
{
    double sum = spec.bias.empty() ? 0 : spec.bias[n];
    const int per_group = in.tensor.channels / spec.groups;
    const float *weight =
        spec.weights.data() + std::size_t(n) * per_group * spec.kernel_height * spec.kernel_width;
    const int first = n / (spec.channels / spec.groups) * per_group;
    for (int c = first; c < first + per_group; ++c)
        for (int ky = 0; ky < spec.kernel_height; ++ky)
            for (int kx = 0; kx < spec.kernel_width; ++kx)
                sum += static_cast<double>(*weight++) *
                       in.get(y * spec.stride + spec.skip + ky, x * spec.stride + spec.skip_columns + kx, c);
    if (spec.modulation)
        sum = sum * (1 + (*spec.modulation)[spec.offset + n]) +
              (*spec.modulation)[spec.offset + spec.channels + n];
    return spec.slope ? std::max(sum, sum * *spec.slope) : sum;
}

/// Runs of `strips` rows each, and of the rest. `rubbish` is what the scratch memory is full of before, which
/// must not matter.
inline void run_in_strips(Stage &stage, const std::vector<int> &strips, int height, std::byte rubbish)
{
    int done = 0;
    std::vector<Rows> runs;
    for (int rows : strips) {
        runs.push_back({done, done + rows});
        done += rows;
    }
    runs.push_back({done, height});
    for (const Rows &rows : runs)
        stage.prepare(rows.count());
    std::vector<std::byte> scratch(stage.scratch_bytes(), rubbish);
    stage.scratch = scratch.data();
    stage.begin();
    for (const Rows &rows : runs)
        stage.run(rows);
}

} // namespace anime::onednn
