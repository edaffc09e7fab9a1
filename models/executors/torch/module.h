// SPDX-License-Identifier: LGPL-2.1-or-later
// The library's side of the module anime-torch: finds it, loads it on the first use, turns its errors into
// ours.
#pragma once

#include "models/executors/torch/abi.h"
#include "models/graph/architectures.h"

#include <filesystem>

namespace anime
{

/// The module's functions. It stays loaded: libtorch can't be unloaded. Throws Error executor-missing.
const AnimeTorchApi &torch_module();

[[noreturn]] void throw_torch_error(const AnimeTorchError &error);

/// The tensors of a state dict, without what wrappers put around them: a dict in a dict, "module." before
/// every name. Throws Error: executor-missing, model-invalid; model-unsupported for TorchScript.
WeightMap read_state_dict(const std::filesystem::path &path);

} // namespace anime
