// SPDX-License-Identifier: LGPL-2.1-or-later
// Opens painters: chooses the executor, shares painters with equal settings.
#include "models/painter.h"

namespace anime
{

std::shared_ptr<Painter> open_painter(const PaintSettings &settings)
{
    throw Error("model-missing", "No model named '" + settings.model + "' is installed.");
}

std::vector<StyleInfo> list_styles()
{
    return {};
}

} // namespace anime
