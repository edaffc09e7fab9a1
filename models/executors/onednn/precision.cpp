// SPDX-License-Identifier: LGPL-2.1-or-later
// Precision by request, by CPU, and by what the model file says of itself.
#include "models/executors/onednn/precision.h"

#include "models/error.h"
#include "models/executors/onednn/kernels/isa.h"

namespace anime::onednn
{

namespace
{

bool meets(const Model &model, const char *precision, double bar)
{
    const auto found = model.fidelity.find(precision);
    return found != model.fidelity.end() && found->second >= bar;
}

} // namespace

Precision choose_precision(const Model &model, const std::string &wanted)
{
    if (wanted == "f32")
        return Precision::f32;
    if (wanted == "auto") {
        if (isa().vnni && model.calibrated && meets(model, "int8", int8_fidelity))
            return Precision::int8;
        if (isa().bf16 && meets(model, "bf16", bf16_fidelity))
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
        if (!isa().vnni)
            throw Error("precision-unsupported",
                        "This CPU (" + isa().name + ") has no 8-bit dot products in AVX-512 registers.",
                        "Use precision=auto or f32.");
        if (!model.calibrated)
            throw Error("precision-unsupported",
                        "The model '" + model.name + "' was not calibrated for 8-bit arithmetic.",
                        "Run anime-calibrate on it with some photos, or use precision=auto.");
        return Precision::int8;
    }
    throw Error("precision-unsupported", "There is no precision '" + wanted + "'.",
                "Use auto, f32, bf16 or int8.");
}

} // namespace anime::onednn
