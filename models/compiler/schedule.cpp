// SPDX-License-Identifier: LGPL-2.1-or-later
// Segments, strips, windows, and the arena.
#include "models/compiler/schedule.h"

#include <algorithm>
#include <map>

namespace anime::compiler
{

namespace
{

constexpr std::size_t alignment = 64;
constexpr int smallest_strip = 8; ///< rows; less is all overhead
/// Rows: some four times as many as the student's bands share with their neighbours.
constexpr int smallest_band = 48;

struct Life {
    Stage *writer = nullptr;
    std::vector<std::pair<Stage *, std::size_t>> readers; ///< with the index among the reader's inputs
    int first_segment = 0;
    int last_segment = 0;
    int window = 0;

    bool whole() const { return first_segment != last_segment; }
};

class Scheduler
{
public:
    Scheduler(const std::vector<std::unique_ptr<Stage>> &stages, std::size_t strip_bytes, Band band,
              const Checkpoint &checkpoint)
        : strip_bytes_(strip_bytes), band_(band), checkpoint_(checkpoint)
    {
        for (const auto &stage : stages) {
            stages_.push_back(stage.get());
            for (Tensor *tensor : stage->outputs)
                life_[tensor].writer = stage.get();
            for (std::size_t i = 0; i < stage->inputs.size(); ++i)
                life_[stage->inputs[i]].readers.emplace_back(stage.get(), i);
        }
        assign_segments();
    }

    Schedule make()
    {
        for (int segment = band_.index > 0 ? last_segment_ : 0; segment <= last_segment_; ++segment) {
            out_.streamed = out_.steps.size();
            run_segment(segment);
        }
        place();
        return std::move(out_);
    }

    int usable_bands(int wanted)
    {
        int bands = wanted;
        for (const Stage *stage : members(last_segment_)) {
            for (Tensor *input : stage->inputs)
                if (life_[input].whole())
                    return 1;
            if (stage->outputs.empty())
                bands = std::clamp(stage->rows / smallest_band, 1, bands);
        }
        return bands;
    }

private:
    void assign_segments()
    {
        for (Stage *stage : stages_) {
            int segment = 0;
            for (const Tensor *input : stage->inputs)
                segment = std::max(segment, segment_[life_[const_cast<Tensor *>(input)].writer]);
            for (const Stage *before : stage->after)
                segment = std::max(segment, segment_[before] + 1);
            segment_[stage] = segment;
            last_segment_ = std::max(last_segment_, segment);
        }
        // What depends on nothing waits for its first reader, so that a window of it is enough.
        for (auto i = stages_.rbegin(); i != stages_.rend(); ++i) {
            if (!(*i)->inputs.empty() || !(*i)->after.empty() || (*i)->outputs.empty())
                continue;
            int first = last_segment_;
            for (Tensor *output : (*i)->outputs)
                for (const auto &[reader, index] : life_[output].readers)
                    first = std::min(first, segment_[reader]);
            for (const Stage *other : stages_)
                if (std::find(other->after.begin(), other->after.end(), *i) != other->after.end())
                    first = segment_[*i];
            segment_[*i] = first;
        }
        for (auto &[tensor, life] : life_) {
            life.first_segment = life.last_segment = segment_[life.writer];
            for (const auto &[reader, index] : life.readers)
                life.last_segment = std::max(life.last_segment, segment_[reader]);
        }
    }

    std::vector<Stage *> members(int segment)
    {
        std::vector<Stage *> out;
        for (Stage *stage : stages_)
            if (segment_[stage] == segment)
                out.push_back(stage);
        return out;
    }

    /// Bands of a segment: only the last one is cut.
    Band band_of(int segment) const { return segment == last_segment_ ? band_ : Band{}; }

    /// Strips that the segment, or the band of it, is cut into.
    int strips(const std::vector<Stage *> &members, Band band)
    {
        std::size_t bytes = 0;
        int rows = 1;
        for (const Stage *stage : members) {
            rows = std::max(rows, stage->rows);
            for (const Tensor *output : stage->outputs)
                bytes += output->row_bytes() * output->height;
        }
        const auto wanted = static_cast<int>((bytes / band.count + strip_bytes_ - 1) / strip_bytes_);
        return std::clamp(wanted, 1, std::max(1, rows / band.count / smallest_strip));
    }

    void run_segment(int segment)
    {
        const std::vector<Stage *> stages = members(segment);
        for (Stage *stage : stages)
            out_.steps.push_back({Step::Kind::begin, stage, {}});
        skip_to(stages, segment);
        const int count = strips(stages, band_of(segment));
        for (int strip = 1; strip <= count; ++strip) {
            std::map<const Stage *, int> wanted;
            for (auto i = stages.rbegin(); i != stages.rend(); ++i)
                wanted[*i] = want(**i, segment, strip, count, wanted);
            for (Stage *stage : stages)
                if (wanted[stage] > done_[stage])
                    run(*stage, {done_[stage], wanted[stage]});
        }
    }

    /// Marks what is above the band as done, as far as its first row does not need it.
    void skip_to(const std::vector<Stage *> &stages, int segment)
    {
        const Band band = band_of(segment);
        if (band.index == 0)
            return;
        for (auto i = stages.rbegin(); i != stages.rend(); ++i) {
            Stage *stage = *i;
            int first = static_cast<int>(static_cast<long>(stage->rows) * band.index / band.count);
            for (Tensor *output : stage->outputs)
                for (const auto &[reader, index] : life_[output].readers) {
                    const int next = done_[reader];
                    const Rows needed = reader->needs(index, {next, next + 1});
                    first = std::clamp(needed.begin - output->border.top, 0, first);
                }
            done_[stage] = first;
            for (Tensor *output : stage->outputs)
                if (first > 0) {
                    first_[output] = output->border.top + first;
                    out_.steps.push_back({Step::Kind::slide, nullptr, {}, output, first_[output], 0});
                }
        }
    }

    /// How many rows `stage` has to have done after this strip: what its readers in the segment need, or,
    /// where there is none, its share.
    int want(const Stage &stage, int segment, int strip, int count,
             const std::map<const Stage *, int> &wanted)
    {
        const Band band = band_of(segment);
        if (strip == count && band.index + 1 == band.count)
            return stage.rows;
        int rows = -1;
        for (Tensor *output : stage.outputs)
            for (const auto &[reader, index] : life_[output].readers)
                if (segment_[reader] == segment) {
                    const int to = wanted.at(reader);
                    const int end = to > 0 ? reader->needs(index, {0, to}).end : 0;
                    rows = std::max(rows, output->rows_for(end));
                }
        if (rows < 0)
            rows = static_cast<int>(static_cast<long>(stage.rows) * (band.index * count + strip) /
                                    (band.count * count));
        const int step = stage.row_step();
        rows = std::min(stage.rows, (rows + step - 1) / step * step);
        return std::max(rows, done_[&stage]);
    }

    void run(Stage &stage, Rows rows)
    {
        for (Tensor *output : stage.outputs)
            make_room(*output, life_[output], rows);
        if (checkpoint_)
            checkpoint_();
        stage.prepare(rows.count());
        out_.steps.push_back({Step::Kind::run, &stage, rows});
        done_[&stage] = rows.end;
    }

    /// Forgets what no reader will look at again before `rows` are written.
    void make_room(Tensor &tensor, Life &life, Rows rows)
    {
        if (life.whole()) {
            life.window = tensor.bordered_rows();
            return;
        }
        const int readable = tensor.readable(rows.begin);
        // Rows that the border at the bottom will copy.
        int keep = std::max(0, std::min(readable, tensor.border.top + rows.begin) - tensor.border.bottom - 1);
        if (readable == 0)
            keep = 0;
        for (const auto &[reader, index] : life.readers) {
            const int next = done_[reader];
            if (next < reader->rows)
                keep = std::min(keep, reader->needs(index, {next, next + 1}).begin);
        }
        keep = std::max(keep, first_[&tensor]);
        if (keep > first_[&tensor]) {
            const int kept = tensor.border.top + rows.begin - keep;
            out_.steps.push_back({Step::Kind::slide, nullptr, {}, &tensor, keep, kept});
            first_[&tensor] = keep;
        }
        const int end = rows.end == tensor.height ? tensor.bordered_rows() : tensor.border.top + rows.end;
        life.window = std::max(life.window, end - keep);
    }

    /// First fit, largest first: tensors whose segments do not overlap share memory.
    void place()
    {
        std::vector<Tensor *> order;
        for (auto &[tensor, life] : life_) {
            tensor->window = life.window;
            order.push_back(tensor);
        }
        const auto size = [](const Tensor *t) {
            return rounded_up(t->window * t->row_bytes() + alignment, alignment);
        };
        std::sort(order.begin(), order.end(), [&](const Tensor *a, const Tensor *b) {
            return size(a) != size(b) ? size(a) > size(b) : a->name < b->name;
        });
        for (Tensor *tensor : order) {
            const Life &life = life_[tensor];
            std::vector<std::pair<std::size_t, std::size_t>> taken;
            for (const auto &[other, offset] : out_.offsets) {
                const Life &placed = life_[other];
                if (placed.first_segment <= life.last_segment && life.first_segment <= placed.last_segment)
                    taken.emplace_back(offset, offset + size(other));
            }
            std::sort(taken.begin(), taken.end());
            std::size_t at = 0;
            for (const auto &[begin, end] : taken) {
                if (at + size(tensor) <= begin)
                    break;
                at = std::max(at, end);
            }
            out_.offsets.emplace_back(tensor, at);
            out_.arena_bytes = std::max(out_.arena_bytes, at + size(tensor));
        }
        out_.scratch_offset = out_.arena_bytes;
        std::size_t scratch = 0;
        for (const Stage *stage : stages_)
            scratch = std::max(scratch, stage->scratch_bytes());
        out_.arena_bytes += scratch;
    }

    std::size_t strip_bytes_;
    Band band_;
    const Checkpoint &checkpoint_;
    std::vector<Stage *> stages_;
    std::map<Tensor *, Life> life_;
    std::map<const Stage *, int> segment_;
    std::map<const Stage *, int> done_;
    std::map<const Tensor *, int> first_;
    int last_segment_ = 0;
    Schedule out_;
};

} // namespace

Schedule make_schedule(const std::vector<std::unique_ptr<Stage>> &stages, std::size_t strip_bytes, Band band,
                       const Checkpoint &checkpoint)
{
    return Scheduler(stages, strip_bytes, band, checkpoint).make();
}

int usable_bands(const std::vector<std::unique_ptr<Stage>> &stages, int wanted)
{
    return Scheduler(stages, 1, {}, {}).usable_bands(wanted);
}

} // namespace anime::compiler
