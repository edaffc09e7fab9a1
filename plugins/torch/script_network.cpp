// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs a TorchScript program that takes and returns (1, 3, H, W) in [-1, 1].
#include "plugins/torch/tensor_network.h"

#include "models/error.h"

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include <utility>

namespace anime
{

namespace
{

/// What a program of unknown inside is given: sides that five halvings leave whole.
constexpr int multiple = 32;

class ScriptNetwork final : public TensorNetwork
{
public:
    ScriptNetwork(const std::string &path, torch::Device device)
        : TensorNetwork(device, multiple, multiple), module_(torch::jit::load(path, device))
    {
        module_.eval();
        for (const torch::Tensor &parameter : module_.parameters())
            weight_bytes_ += parameter.nbytes();
    }

    std::size_t bytes() const override { return weight_bytes_; }

protected:
    torch::Tensor forward(const torch::Tensor &picture, const std::atomic<bool> &cancel) override
    {
        // The program runs in one piece; this is the only place to stop it.
        if (cancel.load(std::memory_order_relaxed))
            throw Error("cancelled", "Painting was cancelled.");
        const torch::IValue output = module_.forward({picture});
        if (!output.isTensor() || output.toTensor().sizes() != picture.sizes())
            throw Error("model-unsupported",
                        "The TorchScript program does not return a picture of the size that it was given.",
                        "It has to take and return one tensor (1, 3, H, W) in [-1, 1].");
        return output.toTensor().to(torch::kFloat32);
    }

private:
    torch::jit::Module module_;
    std::size_t weight_bytes_ = 0;
};

} // namespace

std::unique_ptr<Network> make_script_network(const std::string &path, torch::Device device)
{
    return std::make_unique<ScriptNetwork>(path, device);
}

} // namespace anime
