// SPDX-License-Identifier: LGPL-2.1-or-later
// What this executor answers the compiler.
#pragma once

#include "models/compiler/costs.h"

namespace anime::onednn
{

const compiler::Costs &costs();

} // namespace anime::onednn
