// SPDX-License-Identifier: LGPL-2.1-or-later
// Sum and sum of squares over a value, for its normalisation.
#include "models/executors/onednn/stages/moments_stage.h"

#include "models/executors/onednn/kernels/kernels.h"

namespace anime::onednn
{

MomentsStage::MomentsStage(Tensor &in) : Stage(in.name + " moments", in.height), in_(in)
{
    inputs = {&in};
    moments_.count = static_cast<double>(in.height) * in.width * in.channels;
}

void MomentsStage::begin()
{
    moments_.sum = 0;
    moments_.squares = 0;
}

void MomentsStage::run(Rows rows)
{
    const Kernels &k = kernels();
    const std::size_t n = static_cast<std::size_t>(in_.width) * in_.channels;
    double sum = 0;
    double squares = 0;
#pragma omp parallel for schedule(static) reduction(+ : sum, squares)
    for (int y = rows.begin; y < rows.end; ++y) {
        double sums[2] = {0, 0};
        if (in_.type == Type::f32)
            k.moments_f32(reinterpret_cast<const float *>(in_.row(y)), n, sums);
        else
            k.moments_bf16(reinterpret_cast<const std::uint16_t *>(in_.row(y)), n, sums);
        sum += sums[0];
        squares += sums[1];
    }
    moments_.sum += sum;
    moments_.squares += squares;
}

} // namespace anime::onednn
