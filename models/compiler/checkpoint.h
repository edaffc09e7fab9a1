// SPDX-License-Identifier: LGPL-2.1-or-later
// How whoever waits for a plan can end its making.
#pragma once

#include <functional>

namespace anime::compiler
{

/// Called before each stage is made and each time one is prepared, tens of milliseconds apart at most. What
/// it throws ends the making. May be empty.
using Checkpoint = std::function<void()>;

} // namespace anime::compiler
