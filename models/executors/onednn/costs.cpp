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
