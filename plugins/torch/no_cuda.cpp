// SPDX-License-Identifier: LGPL-2.1-or-later
// Stands in for cuda/ where the module is built without CUDA.
#include "models/error.h"
#include "plugins/torch/network.h"

namespace anime
{

bool has_cuda_network()
{
    return false;
}

std::unique_ptr<Network> make_cuda_network(const Graph &, torch::Device, bool)
{
    throw Error(
        "device-missing", "The torch executor was built without its kernels for GPUs.",
        "Build it with -Dcuda=enabled and a libtorch with CUDA (-Dlibtorch=PATH), or use device=cpu.");
}

} // namespace anime
