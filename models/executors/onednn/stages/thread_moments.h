// SPDX-License-Identifier: LGPL-2.1-or-later
// The moments of what a stage writes, where the stage itself adds them up while it has the values at hand.
#pragma once

#include "models/executors/onednn/kernels/kernels.h"
#include "models/executors/onednn/stages/affine.h"

#include <array>
#include <vector>

namespace anime::onednn
{

/// Of one output; each thread has sums of its own until a run is over.
class ThreadMoments
{
public:
    /// A frame begins; `count`: of the values of the whole output.
    void begin(double count) { moments_ = {0, 0, count}; }
    /// A run by `threads` threads begins.
    void start(int threads) { sums_.assign(threads, {}); }
    /// A sum and a sum of squares.
    double *of(int thread) { return sums_[thread].data(); }
    void finish()
    {
        for (const auto &sums : sums_) {
            moments_.sum += sums[0];
            moments_.squares += sums[1];
        }
    }
    const Moments &moments() const { return moments_; }

private:
    /// As much as a line of the cache, so that threads don't wait for each other's.
    std::vector<std::array<double, 8>> sums_;
    Moments moments_;
};

/// Those of `count` values of a tile that a kernel wrote in full and the picture does not have in full. What
/// a norm reads is f32 or bf16.
inline void add_moments(const Kernels &kernels, Type type, const std::byte *values, std::size_t count,
                        double *sums)
{
    if (type == Type::f32)
        kernels.moments_f32(reinterpret_cast<const float *>(values), count, sums);
    else
        kernels.moments_bf16(reinterpret_cast<const std::uint16_t *>(values), count, sums);
}

} // namespace anime::onednn
