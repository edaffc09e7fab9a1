// SPDX-License-Identifier: LGPL-2.1-or-later
// A model made ready for one picture size: stages, their order, and all memory they need. Painting with it
// allocates nothing.
#pragma once

#include "models/executors/onednn/lowering.h"
#include "models/executors/onednn/schedule.h"

#include <atomic>
#include <functional>
#include <string>

namespace anime::onednn
{

class Plan
{
public:
    /// For pictures of `width` × `height` pixels; pads inside to what the graph takes.
    /// Throws Error: model-unsupported, out-of-memory.
    Plan(const Graph &graph, Precision precision, int width, int height, WeightCache &cache);
    ~Plan();
    Plan(const Plan &) = delete;
    Plan &operator=(const Plan &) = delete;

    /// Throws Error cancelled.
    void paint(const ConstImage &in, const Image &out, const std::atomic<bool> &cancel);

    struct Cost {
        std::string name;
        std::string what;
        double gmac = 0;
        double milliseconds = 0;
    };
    /// Paints once and times every stage.
    std::vector<Cost> profile(const ConstImage &in, const Image &out);

    /// The name of a convolution (or "output"), its input, and rows of it (without border) that have become
    /// complete.
    using Observer = std::function<void(const std::string &conv, const Tensor &input, Rows rows)>;
    /// Paints once and shows on the way the inputs of all convolutions, and the picture before it is rounded
    /// to bytes as the input of "output".
    void watch(const ConstImage &in, const Image &out, const Observer &observer);

    const std::vector<std::unique_ptr<Stage>> &stages() const { return lowered_.stages; }
    std::size_t memory_bytes() const;
    /// One line for each stage and value.
    std::string describe() const;

private:
    void start(const ConstImage &in, const Image &out);
    void perform(const Step &step);

    Frame frame_;
    Lowered lowered_;
    Schedule schedule_;
    std::byte *arena_ = nullptr;
};

} // namespace anime::onednn
