// SPDX-License-Identifier: LGPL-2.1-or-later
// Stands in for models/executors/onednn until that lands: the torch executor paints instead, and says so.
#include "models/executors/executor.h"

namespace anime
{

std::shared_ptr<Painter> make_onednn_painter(std::shared_ptr<const Model> model,
                                             const PaintSettings &settings)
{
    return make_torch_painter(settings);
}

} // namespace anime
