// SPDX-License-Identifier: LGPL-2.1-or-later
// What runs a graph. An executor is a folder of models/executors/, a function here that makes its painters,
// and a row of registry.cpp. Pictures are painted on the slot of their device (slot.h), which
// bounds threads however many painters there are.
#pragma once

#include "models/model.h"
#include "models/painter.h"

#include <memory>

namespace anime
{

/// The oneDNN executor (CPU). Throws Error: precision-unsupported, model-unsupported.
std::shared_ptr<Painter> make_onednn_painter(std::shared_ptr<const Model> model,
                                             const PaintSettings &settings);

/// The libtorch executor, from the module anime-torch in ANIME_MODULE_PATH or the library folder, loaded on
/// the first call. Runs TorchScript too, which is no graph, so it takes the settings and not a Model. Throws
/// Error: executor-missing when the module is not installed; what load_model() throws; device-missing,
/// precision-unsupported.
std::shared_ptr<Painter> make_torch_painter(const PaintSettings &settings);

} // namespace anime
