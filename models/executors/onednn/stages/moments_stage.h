// SPDX-License-Identifier: LGPL-2.1-or-later
// Sums the rows that a convolution has just written, while they are in the cache.
#pragma once

#include "models/executors/onednn/stages/affine.h"

namespace anime::onednn
{

class MomentsStage final : public Stage
{
public:
    explicit MomentsStage(Tensor &in);

    Rows needs(std::size_t, Rows out) const override { return out; }
    void begin() override;
    void run(Rows rows) override;

    const Moments &moments() const { return moments_; }

private:
    Tensor &in_;
    Moments moments_;
};

} // namespace anime::onednn
