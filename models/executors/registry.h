// SPDX-License-Identifier: LGPL-2.1-or-later
// The executors there are: what each is called, where it paints, which operations it knows, how it is opened.
// Whoever adds one writes its row in registry.cpp; nothing else of the program names executors.
#pragma once

#include "models/graph/graph.h"
#include "models/painter.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace anime
{

/// One bit for each Op.
using Operations = std::uint32_t;

constexpr Operations operation(Op op)
{
    return Operations{1} << static_cast<unsigned>(op);
}

struct Executor {
    std::string_view name;
    std::string_view about;                    ///< one line for users
    std::span<const std::string_view> devices; ///< kinds: "cuda" stands for "cuda:N" too
    Operations operations = 0;                 ///< of a model that is a graph
    /// Throws Error: what load_model() throws, executor-missing where a part of it is not installed,
    /// device-missing, precision-unsupported.
    std::shared_ptr<Painter> (*open)(const PaintSettings &settings) = nullptr;

    /// "auto" is some device of every executor.
    bool paints_on(std::string_view device) const;
};

/// The one that is preferred first.
std::span<const Executor> executors();

/// Throws Error model-unsupported where the executor of that name does not know an operation of the graph.
void require_operations(std::string_view executor, const Graph &graph);

/// By the executor that the settings name; for "auto", by the first one that paints on the device and takes
/// the model. Throws Error: executor-missing, device-missing, what the executor's open() throws.
std::shared_ptr<Painter> open_with_executor(const PaintSettings &settings);

} // namespace anime
