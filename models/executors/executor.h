// SPDX-License-Identifier: LGPL-2.1-or-later
// What runs a graph. An executor is a folder of models/executors/; it registers a function that makes
// painters.
#pragma once

#include "models/model.h"
#include "models/painter.h"

#include <memory>

namespace anime
{

/// The oneDNN executor (CPU). One executor per process: its slots bound memory and threads however many
/// painters there are. Throws Error: precision-unsupported, model-unsupported.
std::shared_ptr<Painter> make_onednn_painter(std::shared_ptr<const Model> model,
                                             const PaintSettings &settings);

/// The libtorch executor, from the module anime-torch in ANIME_MODULE_PATH or the library folder, loaded on
/// the first call. Opens `.pt` state dicts and TorchScript itself, so it takes the settings and not a Model.
/// Throws Error: executor-missing when the module is not installed.
std::shared_ptr<Painter> make_torch_painter(const PaintSettings &settings);

} // namespace anime
