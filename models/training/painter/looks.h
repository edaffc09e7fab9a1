// SPDX-License-Identifier: LGPL-2.1-or-later
// The looks that our own painter knows.
#pragma once

#include "models/training/painter/drawing.h"

#include <string_view>
#include <vector>

namespace anime::training
{

struct LookName {
    const char *name;
    Picture (*paint)(const Drawing &drawing);
};

/// In the order in which `anime_painter_paint()` numbers them.
const std::vector<LookName> &looks();

} // namespace anime::training
