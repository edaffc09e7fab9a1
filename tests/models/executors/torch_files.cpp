// SPDX-License-Identifier: LGPL-2.1-or-later
// Files that only PyTorch can write.
#include "tests/models/executors/torch_files.h"

#include <torch/script.h>

namespace anime::test
{

void write_script(const std::string &path, const std::string &body, float scale)
{
    torch::jit::Module module("Tiny");
    module.register_parameter("scale", torch::full({1}, scale), false);
    module.define("def forward(self, x):\n    " + body + "\n");
    module.save(path);
}

} // namespace anime::test
