// SPDX-License-Identifier: LGPL-2.1-or-later
// The .pt files that people publish: the weights of a model as torch.save() writes them. Not trusted: nothing
// in the file is run.
#pragma once

#include "models/api.h"
#include "models/graph/architectures.h"

#include <cstddef>
#include <span>
#include <string>

namespace anime
{

/// Whether the file is a TorchScript program, which has code beside its weights.
bool is_torchscript(std::span<const std::byte> file, const std::string &source);

/// The tensors of a state dict. Throws Error: model-invalid; model-unsupported for TorchScript.
ANIME_API WeightMap read_state_dict(std::span<const std::byte> file, const std::string &source);

} // namespace anime
