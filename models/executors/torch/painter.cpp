// SPDX-License-Identifier: LGPL-2.1-or-later
// The torch executor: painters that run in the module anime-torch, on the slot of their device.
#include "models/executors/executor.h"
#include "models/executors/registry.h"
#include "models/executors/slot.h"
#include "models/executors/torch/module.h"
#include "models/weights/catalogue.h"
#include "models/weights/locate.h"
#include "models/weights/mapped_file.h"
#include "models/weights/state_dict.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace anime
{

namespace
{

/// One is copied while the other one is computed, whatever was asked for: that costs a single stream nothing.
constexpr unsigned pictures_of_a_gpu = 2;

using Network = std::unique_ptr<AnimeTorchNetwork, void (*)(AnimeTorchNetwork *)>;

class TorchPainter final : public Painter
{
public:
    /// `model` is null for TorchScript.
    TorchPainter(PainterInfo info, std::shared_ptr<const Model> model, Network network)
        : info_(std::move(info)), model_(std::move(model)), network_(std::move(network)),
          slot_(Slot::of(info_.device))
    {
    }

    const PainterInfo &info() const override { return info_; }
    PaintStats paint(const ConstImage &in, const Image &out, const std::atomic<bool> &cancel) override;
    std::size_t memory_bytes() const override { return held_; }

private:
    PainterInfo info_;
    std::shared_ptr<const Model> model_; ///< its weights are used where they lie
    Network network_;
    std::shared_ptr<Slot> slot_;
    std::atomic<std::size_t> held_ = 0;
};

PaintStats TorchPainter::paint(const ConstImage &in, const Image &out, const std::atomic<bool> &cancel)
{
    const AnimeTorchPicture picture{in.data,    in.stride, in.pixel, out.data,
                                    out.stride, out.pixel, in.width, in.height};
    PaintStats stats;
    stats.wait_ns = slot_->run({info_.threads, info_.pictures}, cancel, [&](unsigned worker) {
        const auto start = std::chrono::steady_clock::now();
        AnimeTorchError error{};
        if (!torch_module().paint(network_.get(), &picture, worker, &cancel, &stats.memory_bytes, &error))
            throw_torch_error(error);
        held_ = stats.memory_bytes;
        const auto took = std::chrono::steady_clock::now() - start;
        stats.inference_ns =
            static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(took).count());
    });
    return stats;
}

std::shared_ptr<Painter> open_script(const ModelSource &source, PainterInfo info)
{
    const AnimeTorchApi &torch = torch_module();
    AnimeTorchNetwork *network = nullptr;
    AnimeTorchError error{};
    if (!torch.open_script(source.path.c_str(), info.device.c_str(), info.threads, &network, &error))
        throw_torch_error(error);
    if (info.precision == "f16")
        info.precision = "f32"; // the program's own; nothing is known of what f16 would do to it
    info.model = source.name;
    info.architecture = "torchscript";
    info.licence = "unknown";
    return std::make_shared<TorchPainter>(std::move(info), nullptr, Network(network, torch.close));
}

std::shared_ptr<Painter> open_graph(std::shared_ptr<const Model> model, PainterInfo info)
{
    require_operations(info.executor, model->graph);
    const AnimeTorchApi &torch = torch_module();
    AnimeTorchNetwork *network = nullptr;
    AnimeTorchError error{};
    if (!torch.open_graph(&model->graph, info.device.c_str(), info.precision.c_str(), info.threads, &network,
                          &error))
        throw_torch_error(error);
    info.model = model->name;
    info.architecture = model->architecture;
    info.licence = model->licence;
    info.digest = model->digest;
    info.face_size = model->face_size;
    info.graded = model->graded;
    return std::make_shared<TorchPainter>(std::move(info), std::move(model), Network(network, torch.close));
}

} // namespace

std::shared_ptr<Painter> make_torch_painter(const PaintSettings &settings)
{
    const AnimeTorchApi &torch = torch_module();
    AnimeTorchDevice device{};
    AnimeTorchError error{};
    if (!torch.resolve_device(settings.device.c_str(), &device, &error))
        throw_torch_error(error);

    const bool known =
        settings.precision == "auto" || settings.precision == "f32" || settings.precision == "f16";
    if (!known || (settings.precision == "f16" && !device.half))
        throw Error("precision-unsupported",
                    std::string("The torch executor paints in f32") + (device.half ? " or f16" : "") +
                        " on " + device.name + ", not in " + settings.precision + ".",
                    "Use precision=auto, or executor=onednn on the CPU.");

    PainterInfo info;
    info.executor = "torch";
    info.device = device.name;
    info.precision = settings.precision == "auto" ? device.half ? "f16" : "f32" : settings.precision;
    info.threads = settings.threads ? settings.threads : usable_cores();
    // On the CPU all threads work on one picture.
    info.pictures = info.device == "cpu" ? 1 : pictures_of_a_gpu;

    const ModelSource source = locate_model(settings.model);
    if (source.kind == ModelSource::Kind::torch) {
        const MappedFile file(source.path);
        if (is_torchscript(file.bytes(), source.path.string())) {
            info.digest = sha256(file.bytes());
            return open_script(source, std::move(info));
        }
    }
    return open_graph(load_model(settings.model), std::move(info));
}

} // namespace anime
