// SPDX-License-Identifier: LGPL-2.1-or-later
// The table of executors, and how one is chosen.
#include "models/executors/registry.h"

#include "models/error.h"
#include "models/executors/executor.h"

#include <algorithm>
#include <array>

namespace anime
{

namespace
{

constexpr std::array<std::string_view, 1> cpu = {"cpu"};
constexpr std::array<std::string_view, 2> cpu_and_cuda = {"cpu", "cuda"};

constexpr Operations every_operation =
    operation(Op::input) | operation(Op::unshuffle) | operation(Op::shuffle) | operation(Op::conv) |
    operation(Op::norm) | operation(Op::activation) | operation(Op::add) | operation(Op::upsample) |
    operation(Op::tanh) | operation(Op::clamp) | operation(Op::thumbnail) | operation(Op::spatial_mean) |
    operation(Op::linear) | operation(Op::modulate);

std::shared_ptr<Painter> open_onednn(const PaintSettings &settings)
{
    return make_onednn_painter(load_model(settings.model), settings);
}

// clang-format off
constexpr std::array<Executor, 2> table = {{
    {"onednn", "oneDNN, on the CPU", cpu, every_operation, open_onednn},
    {"torch", "libtorch, from its own module: CPU or CUDA, also TorchScript models", cpu_and_cuda, every_operation, make_torch_painter},
}};
// clang-format on

template <typename Names>
std::string listed(const Names &names)
{
    std::string text;
    for (const std::string_view name : names)
        text += (text.empty() ? "" : ", ") + std::string(name);
    return text;
}

const Executor *find(std::string_view name)
{
    const auto found = std::find_if(table.begin(), table.end(),
                                    [name](const Executor &executor) { return executor.name == name; });
    return found == table.end() ? nullptr : &*found;
}

[[noreturn]] void no_such_executor(const std::string &name)
{
    std::array<std::string_view, table.size() + 1> names = {"auto"};
    std::transform(table.begin(), table.end(), names.begin() + 1,
                   [](const Executor &executor) { return executor.name; });
    throw Error("executor-missing", "There is no executor '" + name + "'.",
                "Executors are " + listed(names) + ".");
}

[[noreturn]] void no_such_device(const PaintSettings &settings, const Executor *executor)
{
    const std::string whose =
        executor ? "of the " + std::string(executor->name) + " executor" : "of any executor";
    const auto other = std::find_if(table.begin(), table.end(),
                                    [&](const Executor &e) { return e.paints_on(settings.device); });
    throw Error("device-missing", "'" + settings.device + "' is not a device " + whose + ".",
                other != table.end() ? "Use executor=" + std::string(other->name) + ", or device=" +
                                           listed(executor ? executor->devices : std::span(cpu)) + "."
                                     : "Use device=auto, cpu or cuda:N.");
}

} // namespace

bool Executor::paints_on(std::string_view device) const
{
    const std::string_view kind = device.substr(0, device.find(':'));
    return device == "auto" || std::find(devices.begin(), devices.end(), kind) != devices.end();
}

std::span<const Executor> executors()
{
    return table;
}

void require_operations(std::string_view executor, const Graph &graph)
{
    const Executor *row = find(executor);
    for (std::size_t n = 0; n < graph.nodes.size(); ++n)
        if (!row || !(row->operations & operation(graph.nodes[n].op)))
            throw Error("model-unsupported",
                        "The " + std::string(executor) + " executor does not know operation " +
                            std::to_string(n) + " of the model's graph, '" + graph.nodes[n].name + "'.",
                        "Use another executor.");
}

std::shared_ptr<Painter> open_with_executor(const PaintSettings &settings)
{
    if (settings.executor != "auto") {
        const Executor *executor = find(settings.executor);
        if (!executor)
            no_such_executor(settings.executor);
        if (!executor->paints_on(settings.device))
            no_such_device(settings, executor);
        return executor->open(settings);
    }
    const auto next = [&](const Executor *from) {
        return std::find_if(from, table.data() + table.size(),
                            [&](const Executor &e) { return e.paints_on(settings.device); });
    };
    const Executor *const end = table.data() + table.size();
    const Executor *executor = next(table.data());
    if (executor == end)
        no_such_device(settings, nullptr);
    for (;;) {
        const Executor *const another = next(executor + 1);
        try {
            return executor->open(settings);
        } catch (const Error &why) {
            // TorchScript is no graph, so not every executor can run it.
            if (why.code() != "model-unsupported" || another == end)
                throw;
        }
        executor = another;
    }
}

} // namespace anime
