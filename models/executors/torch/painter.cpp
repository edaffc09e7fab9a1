// SPDX-License-Identifier: LGPL-2.1-or-later
// The torch executor: painters that run in the module anime-torch, one picture at a time on each device.
#include "models/executors/executor.h"
#include "models/executors/registry.h"
#include "models/executors/slot.h"
#include "models/executors/torch/module.h"
#include "models/padding.h"
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

/// What a TorchScript program of unknown inside is given: sides that five halvings leave whole.
constexpr int script_multiple = 32;

using Network = std::unique_ptr<AnimeTorchNetwork, void (*)(AnimeTorchNetwork *)>;

class TorchPainter final : public Painter
{
public:
    /// `model` is null for TorchScript.
    TorchPainter(PainterInfo info, std::shared_ptr<const Model> model, Network network, int multiple,
                 int minimum)
        : info_(std::move(info)), model_(std::move(model)), network_(std::move(network)), multiple_(multiple),
          minimum_(minimum), slot_(Slot::of(info_.device))
    {
    }

    const PainterInfo &info() const override { return info_; }
    PaintStats paint(const ConstImage &in, const Image &out, const std::atomic<bool> &cancel) override;
    std::size_t memory_bytes() const override { return held_; }

private:
    void paint_now(const ConstImage &in, const Image &out, const std::atomic<bool> &cancel,
                   PaintStats &stats);

    PainterInfo info_;
    std::shared_ptr<const Model> model_; ///< its weights are used where they lie
    Network network_;
    int multiple_;
    int minimum_;
    std::shared_ptr<Slot> slot_;
    std::atomic<std::size_t> held_ = 0;
};

/// Planar floats in [-1, 1], the picture mirrored to the right and to the bottom.
std::vector<float> to_planes(const ConstImage &in, int width, int height)
{
    const std::size_t plane = static_cast<std::size_t>(width) * height;
    std::vector<float> planes(3 * plane);
    for (int y = 0; y < height; ++y) {
        const std::uint8_t *row = in.row(mirrored(y, in.height));
        for (int x = 0; x < width; ++x) {
            const std::uint8_t *from = row + static_cast<std::ptrdiff_t>(mirrored(x, in.width)) * in.pixel;
            float *to = planes.data() + static_cast<std::size_t>(y) * width + x;
            for (int c = 0; c < 3; ++c)
                to[c * plane] = static_cast<float>(from[c]) / 127.5F - 1.0F;
        }
    }
    return planes;
}

void to_pixels(const std::vector<float> &planes, int width, int height, const Image &out)
{
    const std::size_t plane = static_cast<std::size_t>(width) * height;
    for (int y = 0; y < out.height; ++y) {
        for (int x = 0; x < out.width; ++x) {
            const float *from = planes.data() + static_cast<std::size_t>(y) * width + x;
            std::uint8_t *to = out.at(x, y);
            for (int c = 0; c < 3; ++c) {
                const float value = std::clamp((from[c * plane] + 1.0F) * 127.5F, 0.0F, 255.0F);
                to[c] = static_cast<std::uint8_t>(std::lrintf(value));
            }
        }
    }
}

PaintStats TorchPainter::paint(const ConstImage &in, const Image &out, const std::atomic<bool> &cancel)
{
    PaintStats stats;
    stats.wait_ns = slot_->run(info_.threads, cancel, [&] { paint_now(in, out, cancel, stats); });
    return stats;
}

/// Only called on the slot's thread.
void TorchPainter::paint_now(const ConstImage &in, const Image &out, const std::atomic<bool> &cancel,
                             PaintStats &stats)
{
    const auto start = std::chrono::steady_clock::now();
    const int width = padded_side(in.width, multiple_, minimum_);
    const int height = padded_side(in.height, multiple_, minimum_);

    std::vector<float> planes = to_planes(in, width, height);
    std::vector<float> painted(planes.size());
    AnimeTorchError error{};
    if (!torch_module().run(network_.get(), planes.data(), painted.data(), width, height, &cancel,
                            &stats.memory_bytes, &error))
        throw_torch_error(error);
    held_ = stats.memory_bytes;
    to_pixels(painted, width, height, out);
    stats.memory_bytes += 2 * planes.size() * sizeof(float);
    const auto took = std::chrono::steady_clock::now() - start;
    stats.inference_ns =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(took).count());
}

std::shared_ptr<Painter> open_script(const ModelSource &source, PainterInfo info)
{
    const AnimeTorchApi &torch = torch_module();
    AnimeTorchNetwork *network = nullptr;
    AnimeTorchError error{};
    if (!torch.open_script(source.path.c_str(), info.device.c_str(), info.threads, &network, &error))
        throw_torch_error(error);
    info.model = source.name;
    info.architecture = "torchscript";
    info.licence = "unknown";
    return std::make_shared<TorchPainter>(std::move(info), nullptr, Network(network, torch.close),
                                          script_multiple, script_multiple);
}

std::shared_ptr<Painter> open_graph(std::shared_ptr<const Model> model, PainterInfo info)
{
    require_operations(info.executor, model->graph);
    const AnimeTorchApi &torch = torch_module();
    AnimeTorchNetwork *network = nullptr;
    AnimeTorchError error{};
    if (!torch.open_graph(&model->graph, info.device.c_str(), info.threads, &network, &error))
        throw_torch_error(error);
    info.model = model->name;
    info.architecture = model->architecture;
    info.licence = model->licence;
    info.digest = model->digest;
    info.face_size = model->face_size;
    info.graded = model->graded;
    const int multiple = model->graph.multiple;
    const int minimum = model->graph.minimum;
    return std::make_shared<TorchPainter>(std::move(info), std::move(model), Network(network, torch.close),
                                          multiple, minimum);
}

} // namespace

std::shared_ptr<Painter> make_torch_painter(const PaintSettings &settings)
{
    if (settings.precision != "auto" && settings.precision != "f32")
        throw Error("precision-unsupported",
                    "The torch executor paints in f32, not in " + settings.precision + ".",
                    "Use precision=f32 or executor=onednn.");
    const AnimeTorchApi &torch = torch_module();
    AnimeTorchDevice device{};
    AnimeTorchError error{};
    if (!torch.resolve_device(settings.device.c_str(), &device, &error))
        throw_torch_error(error);

    PainterInfo info;
    info.executor = "torch";
    info.device = device.name;
    info.precision = "f32";
    info.threads = settings.threads ? settings.threads : usable_cores();

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
