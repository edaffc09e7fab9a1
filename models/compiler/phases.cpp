// SPDX-License-Identifier: LGPL-2.1-or-later
// Kernels of the four phases.
#include "models/compiler/phases.h"

#include <array>

namespace anime::compiler
{

namespace
{

/// share[k][t]: how much of low-resolution tap t kernel tap k reads. Upsampled pixel 2i is x[i], 2i + 1 is
/// the mean of x[i] and x[i + 1]; an even output reads 2i − 1 … 2i + 1, that is x[i − 1], x[i], x[i + 1], an
/// odd one 2i … 2i + 2, that is x[i], x[i + 1].
using Shares = std::array<std::array<float, 3>, 3>;
constexpr Shares even = {{{0.5F, 0.5F, 0.0F}, {0.0F, 1.0F, 0.0F}, {0.0F, 0.5F, 0.5F}}};
constexpr Shares odd = {{{1.0F, 0.0F, 0.0F}, {0.5F, 0.5F, 0.0F}, {0.0F, 1.0F, 0.0F}}};

} // namespace

Phase make_phase(const std::vector<float> &weights, int row, int column)
{
    const Shares &rows = row ? odd : even;
    const Shares &columns = column ? odd : even;
    Phase out{row ? 2 : 3, column ? 2 : 3, {}};
    const std::size_t kernels = weights.size() / 9;
    out.weights.reserve(kernels * out.height * out.width);
    for (std::size_t n = 0; n < kernels; ++n)
        for (int y = 0; y < out.height; ++y)
            for (int x = 0; x < out.width; ++x) {
                float sum = 0;
                for (int ky = 0; ky < 3; ++ky)
                    for (int kx = 0; kx < 3; ++kx)
                        sum += weights[n * 9 + ky * 3 + kx] * rows[ky][y] * columns[kx][x];
                out.weights.push_back(sum);
            }
    return out;
}

} // namespace anime::compiler
