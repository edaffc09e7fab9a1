// SPDX-License-Identifier: LGPL-2.1-or-later
// What the compiler hands over (stages, tensors, schedules) goes by its plain names in this executor.
#pragma once

namespace anime::compiler
{
}

namespace anime::onednn
{
using namespace compiler;
}
