// SPDX-License-Identifier: LGPL-2.1-or-later
// The library's side of the module anime-torch: finds it, loads it on the first use, turns its errors into
// ours.
#pragma once

#include "models/executors/torch/abi.h"

namespace anime
{

/// The module's functions. It stays loaded: libtorch can't be unloaded. Throws Error executor-missing.
const AnimeTorchApi &torch_module();

[[noreturn]] void throw_torch_error(const AnimeTorchError &error);

} // namespace anime
