// SPDX-License-Identifier: LGPL-2.1-or-later
// Opens painters: chooses the executor, shares painters with equal settings.
#include "models/painter.h"

#include "models/executors/executor.h"
#include "models/model.h"
#include "models/weights/catalogue.h"
#include "models/weights/locate.h"

#include <mutex>
#include <utility>

namespace anime
{

namespace
{

bool is_cuda(const std::string &device)
{
    return device.starts_with("cuda");
}

std::shared_ptr<Painter> make_painter(const PaintSettings &settings)
{
    if (settings.executor == "torch" || (settings.executor == "auto" && is_cuda(settings.device)))
        return make_torch_painter(settings);
    if (settings.executor != "auto" && settings.executor != "onednn")
        throw Error("executor-missing", "There is no executor '" + settings.executor + "'.",
                    "Executors are auto, onednn and torch.");
    if (settings.device != "auto" && settings.device != "cpu")
        throw Error("device-missing",
                    "The onednn executor runs on the CPU, not on '" + settings.device + "'.",
                    "Use device=cpu or executor=torch.");
    std::shared_ptr<const Model> model;
    try {
        model = load_model(settings.model);
    } catch (const Error &why) {
        // TorchScript is no graph, so only the torch executor can run it.
        if (settings.executor == "auto" && why.code() == "model-unsupported")
            return make_torch_painter(settings);
        throw;
    }
    return make_onednn_painter(std::move(model), settings);
}

} // namespace

std::shared_ptr<Painter> open_painter(const PaintSettings &settings)
{
    // Held while opening, so that what two threads ask for is opened once.
    static std::mutex mutex;
    static std::vector<std::pair<PaintSettings, std::weak_ptr<Painter>>> open;

    const std::lock_guard lock(mutex);
    std::erase_if(open, [](const auto &entry) { return entry.second.expired(); });
    for (const auto &[known, painter] : open)
        if (known == settings)
            if (auto shared = painter.lock())
                return shared;
    auto painter = make_painter(settings);
    open.emplace_back(settings, painter);
    return painter;
}

std::vector<StyleInfo> list_styles()
{
    std::vector<StyleInfo> styles;
    for (const ModelSource &source : embedded_styles()) {
        const auto embedded = load_model(source.name);
        styles.push_back({embedded->name, embedded->description, embedded->licence, true});
    }
    for (const CatalogueEntry &entry : catalogue()) {
        const bool there = std::filesystem::exists(download_folder() / (entry.name + ".pt"));
        styles.push_back({entry.name, entry.description, entry.licence, there});
    }
    return styles;
}

} // namespace anime
