// SPDX-License-Identifier: LGPL-2.1-or-later
// What the module runs: a graph, operation by operation or as a GPU likes it, or a TorchScript program.
#pragma once

#include "models/executors/torch/abi.h"
#include "models/graph/graph.h"

#include <torch/types.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>

namespace anime
{

class Network
{
public:
    virtual ~Network() = default;

    /// Both throw Error cancelled where they look at `cancel`; AnimeTorchApi says what they do.
    virtual void paint(const AnimeTorchPicture &picture, unsigned worker,
                       const std::atomic<bool> &cancel) = 0;
    virtual void run(const float *in, float *out, int width, int height, const std::atomic<bool> &cancel) = 0;

    /// The most that weights and values took together, in bytes; 0 where it is not known.
    virtual std::size_t bytes() const = 0;
};

/// `graph` has to outlive the network: on the CPU its weights are used where they lie.
std::unique_ptr<Network> make_graph_network(const Graph &graph, torch::Device device);
std::unique_ptr<Network> make_script_network(const std::string &path, torch::Device device);

/// Whether this module was built with its kernels for GPUs.
bool has_cuda_network();
/// On a GPU; `half`: in f16. Throws Error device-missing where the module has no kernels.
std::unique_ptr<Network> make_cuda_network(const Graph &graph, torch::Device device, bool half);

} // namespace anime
