// SPDX-License-Identifier: LGPL-2.1-or-later
// Builds and runs plans.
#include "models/executors/onednn/plan.h"

#include "models/error.h"
#include "models/executors/onednn/stages/picture_stages.h"
#include "models/padding.h"

#include <omp.h>
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

/// Strips of one segment together. Threads that share strips meet after each step, so a strip has to be worth
/// the meeting; six megabytes are still a share of a last-level cache that every current CPU has.
constexpr std::size_t shared_strip_bytes = std::size_t{6} << 20;
/// Of a band, whose thread meets nobody; half to four times of it cost the same within two percent.
constexpr std::size_t own_strip_bytes = std::size_t{2} << 20;

/// Primitives made while it lives divide their work among `threads` threads.
class ThreadCount
{
public:
    explicit ThreadCount(int threads) : before_(omp_get_max_threads()) { omp_set_num_threads(threads); }
    ~ThreadCount() { omp_set_num_threads(before_); }
    ThreadCount(const ThreadCount &) = delete;
    ThreadCount &operator=(const ThreadCount &) = delete;

private:
    int before_;
};

void perform(const Step &step)
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

} // namespace

Plan::Arena::Arena(std::size_t bytes) : data_(nullptr, Unmap{bytes})
{
    void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        throw std::bad_alloc();
    // Convolutions walk over many rows at once; without large pages each row costs a translation of its own.
    // A kernel that has none to give is no failure.
    madvise(memory, bytes, MADV_HUGEPAGE);
    data_.reset(static_cast<std::byte *>(memory));
}

void Plan::Arena::Unmap::operator()(std::byte *data) const
{
    munmap(data, bytes);
}

Plan::Plan(const Graph &graph, Precision precision, int width, int height, WeightCache &cache, int threads,
           const Checkpoint &checkpoint)
{
    const auto lowered = [&] {
        return lower(graph, precision, padded_side(height, graph.multiple, graph.minimum),
                     padded_side(width, graph.multiple, graph.minimum), frame_, cache, checkpoint);
    };
    Lowered first = lowered();
    const int count = usable_bands(first.stages, threads);
    bands_.push_back(plan_band(std::move(first), {0, count}, checkpoint));
    for (int i = 1; i < count; ++i)
        bands_.push_back(plan_band(lowered(), {i, count}, checkpoint));
}

Plan::PlannedBand Plan::plan_band(Lowered lowered, Band band, const Checkpoint &checkpoint) const
{
    const ThreadCount alone(band.count > 1 ? 1 : omp_get_max_threads());
    Schedule schedule = make_schedule(lowered.stages, band.count > 1 ? own_strip_bytes : shared_strip_bytes,
                                      band, checkpoint);
    Arena arena(schedule.arena_bytes);
    for (const auto &[tensor, offset] : schedule.offsets)
        tensor->data = arena.data() + offset;
    for (const auto &stage : lowered.stages)
        stage->scratch = arena.data() + schedule.scratch_offset;
    return {std::move(lowered), std::move(schedule), std::move(arena), nullptr};
}

void Plan::start(const ConstImage &in, const Image &out)
{
    frame_ = {in, out};
    for (PlannedBand &band : bands_)
        for (Tensor &tensor : band.lowered.tensors)
            tensor.first = 0;
}

template <typename Perform>
void Plan::perform_all(Perform perform)
{
    PlannedBand &first = bands_.front();
    const auto &steps = first.schedule.steps;
    if (bands_.size() == 1) {
        for (const Step &step : steps)
            perform(step, 0);
        return;
    }
    for (std::size_t i = 0; i < first.schedule.streamed; ++i)
        perform(steps[i], 0);
    for (PlannedBand &band : bands_)
        std::copy(first.lowered.vectors.begin(), first.lowered.vectors.end(), band.lowered.vectors.begin());
    const int count = static_cast<int>(bands_.size());
#pragma omp parallel for schedule(static, 1) num_threads(count)
    for (int i = 0; i < count; ++i) {
        PlannedBand &band = bands_[i];
        band.error = nullptr;
        try {
            for (std::size_t s = band.schedule.streamed; s < band.schedule.steps.size(); ++s)
                perform(band.schedule.steps[s], i);
        } catch (...) {
            band.error = std::current_exception();
        }
    }
    for (const PlannedBand &band : bands_)
        if (band.error)
            std::rethrow_exception(band.error);
}

void Plan::paint(const ConstImage &in, const Image &out, const std::atomic<bool> &cancel)
{
    start(in, out);
    perform_all([&cancel](const Step &step, int) {
        if (cancel)
            throw Error("cancelled", "Painting was cancelled.");
        perform(step);
    });
}

std::vector<Plan::Cost> Plan::profile(const ConstImage &in, const Image &out)
{
    using Clock = std::chrono::steady_clock;
    std::vector<std::map<const Stage *, double>> spent(bands_.size());
    start(in, out);
    perform_all([&spent](const Step &step, int band) {
        const auto start = Clock::now();
        perform(step);
        if (step.stage)
            spent[band][step.stage] +=
                std::chrono::duration<double, std::milli>(Clock::now() - start).count();
    });
    std::vector<Cost> costs;
    for (std::size_t s = 0; s < stages().size(); ++s) {
        const Stage &stage = *stages()[s];
        Cost cost{stage.name, stage.describe(), stage.gmac(), 0};
        // What comes before the bands is done by one of them, by all threads.
        double sum = 0;
        int bands = 0;
        for (std::size_t b = 0; b < bands_.size(); ++b)
            if (const auto found = spent[b].find(bands_[b].lowered.stages[s].get());
                found != spent[b].end()) {
                sum += found->second;
                ++bands;
            }
        cost.milliseconds = bands ? sum / bands : 0;
        costs.push_back(std::move(cost));
    }
    return costs;
}

void Plan::watch(const ConstImage &in, const Image &out, const Observer &observer)
{
    start(in, out);
    perform_all([&observer](const Step &step, int) {
        const auto convs =
            step.kind == Step::Kind::run ? step.stage->convolutions() : std::span<const ConvSpec>();
        if (!convs.empty() && convs.front().first_of_node()) {
            const Tensor &input = *step.stage->inputs[0];
            const Rows needed = step.stage->needs(0, step.rows);
            const Rows rows{std::clamp(needed.begin - input.border.top, 0, input.height),
                            std::clamp(needed.end - input.border.top, 0, input.height)};
            observer(convs.front().node, input, rows);
        }
        if (step.kind == Step::Kind::run && dynamic_cast<const WriteStage *>(step.stage))
            observer(step.stage->name, *step.stage->inputs[0], step.rows);
        perform(step);
    });
}

std::size_t Plan::memory_bytes() const
{
    std::size_t sum = 0;
    for (const PlannedBand &band : bands_) {
        sum += band.schedule.arena_bytes;
        for (const auto &stage : band.lowered.stages)
            sum += stage->held_bytes();
    }
    return sum;
}

std::string Plan::describe() const
{
    const PlannedBand &first = bands_.front();
    std::string text;
    char line[256];
    std::snprintf(line, sizeof line, "%zu bands, %zu steps, arena %zu KiB\n", bands_.size(),
                  first.schedule.steps.size(), first.schedule.arena_bytes >> 10);
    text += line;
    for (const auto &stage : stages()) {
        std::snprintf(line, sizeof line, "%-28s %s\n", stage->name.c_str(), stage->describe().c_str());
        text += line;
        for (const Tensor *t : stage->outputs) {
            std::snprintf(line, sizeof line, "    -> %s %dx%dx%d, %d of %d rows, at %td KiB\n",
                          to_string(t->type), t->height, t->width, t->channels, t->window, t->bordered_rows(),
                          (t->data - first.arena.data()) >> 10);
            text += line;
        }
    }
    return text;
}

} // namespace anime::onednn
