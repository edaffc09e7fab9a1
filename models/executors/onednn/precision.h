// SPDX-License-Identifier: LGPL-2.1-or-later
// Which precision a model runs in on this CPU.
#pragma once

#include "models/compiler/precision.h"
#include "models/executors/onednn/compiler_names.h"
#include "models/model.h"

#include <optional>
#include <string>

namespace anime::onednn
{

/// What `precision=auto` asks of a precision, in dB PSNR against f32.
constexpr double int8_fidelity = 42;
constexpr double bf16_fidelity = 52;

/// The int8 of this CPU, if it has one: without VNNI, products of bytes are added in pairs.
std::optional<Precision> bytes_precision();

/// `wanted` is auto, f32, bf16 or int8. auto: the fastest that the CPU has and whose fidelity was measured,
/// as the model file states it, and meets the bar. Throws Error precision-unsupported.
Precision choose_precision(const Model &model, const std::string &wanted);

} // namespace anime::onednn
