// SPDX-License-Identifier: LGPL-2.1-or-later
// Scale and shift by channel from statistics or from a modulation vector.
#include "models/executors/onednn/stages/affine.h"

#include <algorithm>
#include <cmath>

namespace anime::onednn
{

Affine resolve(const AffineSpec &spec, int channels)
{
    Affine out{std::vector<float>(channels, 1.0F), std::vector<float>(channels, 0.0F)};
    if (!spec.moments.empty()) {
        Moments all;
        for (const Moments *part : spec.moments) {
            all.sum += part->sum;
            all.squares += part->squares;
            all.count += part->count;
        }
        const double mean = all.sum / all.count;
        const double variance = std::max(0.0, all.squares / all.count - mean * mean);
        const double inverse = 1.0 / std::sqrt(variance + spec.eps);
        for (int c = 0; c < channels; ++c) {
            out.scale[c] = static_cast<float>(inverse * spec.gamma[c]);
            out.shift[c] = static_cast<float>(spec.beta[c] - mean * inverse * spec.gamma[c]);
        }
    }
    if (spec.modulation) {
        const float *v = spec.modulation->data() + spec.offset;
        for (int c = 0; c < channels; ++c) {
            out.scale[c] *= 1.0F + v[c];
            out.shift[c] = out.shift[c] * (1.0F + v[c]) + v[channels + c];
        }
    }
    return out;
}

std::vector<float> repeated(const std::vector<float> &values, int pixels)
{
    std::vector<float> out;
    out.reserve(values.size() * pixels);
    for (int i = 0; i < pixels; ++i)
        out.insert(out.end(), values.begin(), values.end());
    return out;
}

} // namespace anime::onednn
