// SPDX-License-Identifier: LGPL-2.1-or-later
// Which of the stages is the faster one, as measured where each stage is written down.
#include "models/executors/onednn/costs.h"

#include "models/executors/onednn/kernels/isa.h"
#include "models/executors/onednn/stages/winograd_stage.h"

namespace anime::onednn
{

namespace
{

class OnednnCosts final : public compiler::Costs
{
public:
    bool wide_beats_bytes(const Node &conv) const override { return WinogradStage::beats_bytes(conv); }

    /// Winograd's kernels read bf16 on every CPU that has them.
    Type wide_input() const override { return isa().avx2 ? Type::bf16 : Type::f32; }

    /// oneDNN's kernels for AVX2 and better do. Its AVX ones do not, so that it takes those for SSE4.1 with
    /// an activation, and with factors its GEMM, which looks up the factor of each value by itself: half of
    /// the time of a picture by the default.
    bool fuses_elementwise() const override { return isa().avx2; }

    /// Without AVX-512 oneDNN knows no bf16 at all.
    Type wide() const override { return isa().avx512 ? Type::bf16 : Type::f32; }
};

} // namespace

const compiler::Costs &costs()
{
    static const OnednnCosts answers;
    return answers;
}

} // namespace anime::onednn
