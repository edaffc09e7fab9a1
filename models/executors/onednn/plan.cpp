// SPDX-License-Identifier: LGPL-2.1-or-later
// Builds and runs plans.
#include "models/executors/onednn/plan.h"

#include "models/error.h"
#include "models/executors/onednn/picture_stages.h"
#include "models/padding.h"

#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <new>

namespace anime::onednn
{

namespace
{

/// Strips of one segment together: a share of a last-level cache that every current CPU has, and enough work
/// for a step to be worth its start.
constexpr std::size_t strip_bytes = std::size_t{2} << 20;

} // namespace

Plan::Plan(const Graph &graph, Precision precision, int width, int height, WeightCache &cache)
    : lowered_(lower(graph, precision, padded_side(height, graph.multiple, graph.minimum),
                     padded_side(width, graph.multiple, graph.minimum), frame_, cache)),
      schedule_(make_schedule(lowered_.stages, strip_bytes))
{
    void *memory =
        mmap(nullptr, schedule_.arena_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        throw std::bad_alloc();
    // Convolutions walk over many rows at once; without large pages each row costs a translation of its own.
    // A kernel that has none to give is no failure.
    madvise(memory, schedule_.arena_bytes, MADV_HUGEPAGE);
    arena_ = static_cast<std::byte *>(memory);
    for (const auto &[tensor, offset] : schedule_.offsets)
        tensor->data = arena_ + offset;
}

Plan::~Plan()
{
    munmap(arena_, schedule_.arena_bytes);
}

void Plan::start(const ConstImage &in, const Image &out)
{
    frame_ = {in, out};
    for (Tensor &tensor : lowered_.tensors)
        tensor.first = 0;
}

void Plan::perform(const Step &step)
{
    switch (step.kind) {
    case Step::Kind::begin:
        step.stage->begin();
        break;
    case Step::Kind::run:
        step.stage->run(step.rows);
        break;
    case Step::Kind::slide:
        step.tensor->slide(step.keep, step.kept);
        break;
    }
}

void Plan::paint(const ConstImage &in, const Image &out, const std::atomic<bool> &cancel)
{
    start(in, out);
    for (const Step &step : schedule_.steps) {
        if (cancel)
            throw Error("cancelled", "Painting was cancelled.");
        perform(step);
    }
}

std::vector<Plan::Cost> Plan::profile(const ConstImage &in, const Image &out)
{
    using Clock = std::chrono::steady_clock;
    std::map<const Stage *, double> spent;
    start(in, out);
    for (const Step &step : schedule_.steps) {
        const auto start = Clock::now();
        perform(step);
        if (step.stage)
            spent[step.stage] += std::chrono::duration<double, std::milli>(Clock::now() - start).count();
    }
    std::vector<Cost> costs;
    for (const auto &stage : lowered_.stages)
        costs.push_back({stage->name, stage->describe(), stage->gmac(), spent[stage.get()]});
    return costs;
}

void Plan::watch(const ConstImage &in, const Image &out, const Observer &observer)
{
    start(in, out);
    for (const Step &step : schedule_.steps) {
        const auto *conv =
            step.kind == Step::Kind::run ? dynamic_cast<const ConvStage *>(step.stage) : nullptr;
        if (conv && conv->first_of_node()) {
            const Tensor &input = *conv->inputs[0];
            const Rows needed = conv->needs(0, step.rows);
            const Rows rows{std::clamp(needed.begin - input.border.top, 0, input.height),
                            std::clamp(needed.end - input.border.top, 0, input.height)};
            observer(conv->node(), input, rows);
        }
        if (step.kind == Step::Kind::run && dynamic_cast<const WriteStage *>(step.stage))
            observer(step.stage->name, *step.stage->inputs[0], step.rows);
        perform(step);
    }
}

std::size_t Plan::memory_bytes() const
{
    std::size_t sum = schedule_.arena_bytes;
    for (const auto &stage : lowered_.stages)
        sum += stage->held_bytes();
    return sum;
}

std::string Plan::describe() const
{
    std::string text;
    char line[256];
    std::snprintf(line, sizeof line, "%zu steps, arena %zu KiB\n", schedule_.steps.size(),
                  schedule_.arena_bytes >> 10);
    text += line;
    for (const auto &stage : lowered_.stages) {
        std::snprintf(line, sizeof line, "%-28s %s\n", stage->name.c_str(), stage->describe().c_str());
        text += line;
        for (const Tensor *t : stage->outputs) {
            std::snprintf(line, sizeof line, "    -> %s %dx%dx%d, %d of %d rows, at %td KiB\n",
                          to_string(t->type), t->height, t->width, t->channels, t->window, t->bordered_rows(),
                          (t->data - arena_) >> 10);
            text += line;
        }
    }
    return text;
}

} // namespace anime::onednn
