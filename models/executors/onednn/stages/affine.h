// SPDX-License-Identifier: LGPL-2.1-or-later
// Scale and shift by channel, x · scale[c] + shift[c]: what normalisation and modulation come down to once
// their statistics are known.
#pragma once

#include "models/compiler/stage.h"
#include "models/executors/onednn/compiler_names.h"

#include <vector>

namespace anime::onednn
{

/// Sum and sum of squares over a value, collected by a MomentsStage.
struct Moments {
    double sum = 0;
    double squares = 0;
    double count = 0;
};

struct AffineSpec {
    std::vector<const Moments *> moments; ///< norm: of all parts of the value
    std::vector<float> gamma;
    std::vector<float> beta;
    float eps = 0;

    const Vector *modulation = nullptr;
    int offset = 0;

    bool empty() const { return moments.empty() && !modulation; }
};

struct Affine {
    std::vector<float> scale;
    std::vector<float> shift;
};

/// The numbers of this frame, for `channels` channels.
Affine resolve(const AffineSpec &spec, int channels);

/// `values` once for each of `pixels` pixels.
std::vector<float> repeated(const std::vector<float> &values, int pixels);

} // namespace anime::onednn
