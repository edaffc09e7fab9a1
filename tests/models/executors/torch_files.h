// SPDX-License-Identifier: LGPL-2.1-or-later
// Files that only PyTorch can write, for the tests of the torch executor.
#pragma once

#include <string>

namespace anime::test
{

/// A TorchScript program whose forward() is `body`, with a parameter `scale` of `scale`.
void write_script(const std::string &path, const std::string &body, float scale);

} // namespace anime::test
