// SPDX-License-Identifier: LGPL-2.1-or-later
// Precision by request, by CPU, and by what the model file says of itself.
#include "models/executors/onednn/precision.h"

#include "models/error.h"
#include "models/executors/onednn/kernels/isa.h"

namespace anime::onednn
{

namespace
{

bool meets(const Model &model, Precision precision, double bar)
{
    const auto found = model.fidelity.find(to_string(precision));
    return found != model.fidelity.end() && found->second >= bar;
}

} // namespace

std::optional<Precision> bytes_precision()
{
    if (!isa().avx2)
        return std::nullopt;
    return isa().vnni ? Precision::int8 : Precision::int8_paired;
}

Precision choose_precision(const Model &model, const std::string &wanted)
{
    if (wanted == "f32")
        return Precision::f32;
    if (wanted == "auto") {
        const auto bytes = bytes_precision();
        if (bytes && model.calibrated && meets(model, *bytes, int8_fidelity))
            return *bytes;
        if (isa().bf16 && meets(model, Precision::bf16, bf16_fidelity))
            return Precision::bf16;
        return Precision::f32;
    }
    if (wanted == "bf16") {
        if (!isa().bf16)
            throw Error("precision-unsupported", "This CPU (" + isa().name + ") has no bf16 arithmetic.",
                        "Use precision=auto or f32.");
        return Precision::bf16;
    }
    if (wanted == "int8") {
        if (!bytes_precision())
            throw Error("precision-unsupported",
                        "This CPU (" + isa().name + ") has no AVX2, without which 8 bits are no faster.",
                        "Use precision=auto or f32.");
        if (!model.calibrated)
            throw Error("precision-unsupported",
                        "The model '" + model.name + "' was not calibrated for 8-bit arithmetic.",
                        "Run anime-calibrate on it with some photos, or use precision=auto.");
        return *bytes_precision();
    }
    throw Error("precision-unsupported", "There is no precision '" + wanted + "'.",
                "Use auto, f32, bf16 or int8.");
}

} // namespace anime::onednn
