// SPDX-License-Identifier: LGPL-2.1-or-later
// What the module runs: a graph, operation by operation, or a TorchScript program.
#pragma once

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

    /// (1, 3, H, W) to (1, 3, H, W). Throws Error cancelled where it looks at `cancel`.
    virtual torch::Tensor run(const torch::Tensor &picture, const std::atomic<bool> &cancel) = 0;

    /// The most that weights and values took together, in bytes; 0 where it is not known.
    virtual std::size_t bytes() const = 0;
};

/// `graph` has to outlive the network: on the CPU its weights are used where they lie.
std::unique_ptr<Network> make_graph_network(const Graph &graph, torch::Device device);
std::unique_ptr<Network> make_script_network(const std::string &path, torch::Device device);

} // namespace anime
