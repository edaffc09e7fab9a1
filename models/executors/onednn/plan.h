// SPDX-License-Identifier: LGPL-2.1-or-later
// A model made ready for one picture size: stages, their order, and all memory they need. Painting with it
// allocates nothing.
#pragma once

#include "models/compiler/schedule.h"
#include "models/executors/onednn/compiler_names.h"
#include "models/executors/onednn/lowering.h"

#include <atomic>
#include <exception>
#include <functional>
#include <string>

namespace anime::onednn
{

class Plan
{
public:
    /// For pictures of `width` × `height` pixels; pads inside to what the graph takes. Cuts the picture into
    /// a band for each of `threads` threads where the graph allows it. Throws Error: model-unsupported,
    /// out-of-memory; what `checkpoint` throws.
    Plan(const Graph &graph, Precision precision, int width, int height, WeightCache &cache, int threads = 1,
         const Checkpoint &checkpoint = {});

    /// Throws Error cancelled.
    void paint(const ConstImage &in, const Image &out, const std::atomic<bool> &cancel);

    struct Cost {
        std::string name;
        std::string what;
        double gmac = 0;
        double milliseconds = 0;
    };
    /// Paints once and times every stage; with bands, the mean of the threads.
    std::vector<Cost> profile(const ConstImage &in, const Image &out);

    /// The name of a convolution (or "output"), its input, and rows of it (without border) that have become
    /// complete.
    using Observer = std::function<void(const std::string &conv, const Tensor &input, Rows rows)>;
    /// Paints once and shows on the way the inputs of all convolutions, and the picture before it is rounded
    /// to bytes as the input of "output". For a plan without bands, which would show some rows twice.
    void watch(const ConstImage &in, const Image &out, const Observer &observer);

    const std::vector<std::unique_ptr<Stage>> &stages() const { return bands_.front().lowered.stages; }
    std::size_t memory_bytes() const;
    /// One line for each stage and value.
    std::string describe() const;

private:
    /// Memory from the system in large pages.
    class Arena
    {
    public:
        explicit Arena(std::size_t bytes);
        std::byte *data() const { return data_.get(); }

    private:
        struct Unmap {
            std::size_t bytes;
            void operator()(std::byte *data) const;
        };
        std::unique_ptr<std::byte, Unmap> data_;
    };

    struct PlannedBand {
        Lowered lowered;
        Schedule schedule;
        Arena arena;
        std::exception_ptr error; ///< of this frame
    };

    PlannedBand plan_band(Lowered lowered, Band band, const Checkpoint &checkpoint) const;
    void start(const ConstImage &in, const Image &out);
    /// Calls perform(step, band's index) for every step, those of the bands at the same time.
    template <typename Perform>
    void perform_all(Perform perform);

    Frame frame_;
    std::vector<PlannedBand> bands_; ///< the first one also computes what all of them need
};

} // namespace anime::onednn
