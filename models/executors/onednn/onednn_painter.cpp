// SPDX-License-Identifier: LGPL-2.1-or-later
// The oneDNN executor: chooses a precision, keeps plans by picture size, paints on the process's slot.
#define G_LOG_DOMAIN "anime-plan"

#include "models/error.h"
#include "models/executors/executor.h"
#include "models/executors/onednn/kernels/isa.h"
#include "models/executors/onednn/plan.h"
#include "models/executors/onednn/precision.h"
#include "models/executors/registry.h"
#include "models/executors/slot.h"

#include <glib.h>

#include <algorithm>
#include <chrono>
#include <list>
#include <mutex>
#include <new>
#include <set>
#include <utility>

namespace anime
{

namespace
{

using namespace onednn;

/// Sizes of which plans are kept for the next picture: a stream needs one, faces another.
constexpr std::size_t kept_sizes = 4;
/// What plans other than the newest may hold together.
constexpr std::size_t kept_bytes = std::size_t{48} << 20;
/// Pictures at once where nobody says how many: each needs memory of its own, and so do the frames around it.
constexpr unsigned most_pictures = 4;

/// How many pictures to paint at once with so many threads: the number that leaves the fewest threads
/// without work, and of these the largest, because the threads of one picture wait for each other.
unsigned worthwhile_pictures(unsigned threads)
{
    unsigned best = std::min(2U, threads);
    for (unsigned pictures = best; pictures <= std::min(most_pictures, threads); ++pictures)
        if (threads / pictures * pictures >= threads / best * best)
            best = pictures;
    return best;
}

class OnednnPainter final : public Painter
{
public:
    OnednnPainter(std::shared_ptr<const Model> model, const PaintSettings &settings)
        : model_(std::move(model)), precision_(choose_precision(*model_, settings.precision)),
          slot_(Slot::of("cpu"))
    {
        info_.model = model_->name;
        info_.digest = model_->digest;
        info_.architecture = model_->architecture;
        info_.licence = model_->licence;
        info_.executor = "onednn";
        info_.device = "cpu";
        info_.precision = public_name(precision_);
        info_.isa = isa().name;
        const unsigned threads = settings.threads ? settings.threads : usable_cores();
        info_.pictures =
            settings.pictures == 0 ? worthwhile_pictures(threads) : std::min(settings.pictures, threads);
        info_.threads = threads / info_.pictures;
        info_.face_size = model_->face_size;
        info_.graded = model_->graded;
    }

    const PainterInfo &info() const override { return info_; }

    PaintStats paint(const ConstImage &in, const Image &out, const std::atomic<bool> &cancel) override
    {
        PaintStats stats;
        try {
            stats.wait_ns = slot_->run({info_.threads, info_.pictures}, cancel, [&](unsigned) {
                const auto start = std::chrono::steady_clock::now();
                const LentPlan plan(*this, in.width, in.height, cancel);
                plan->paint(in, out, cancel);
                stats.inference_ns =
                    std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count();
                stats.memory_bytes = held();
                held_ = stats.memory_bytes;
            });
        } catch (const std::bad_alloc &) {
            throw out_of_memory(in);
        } catch (const dnnl::error &error) {
            if (error.status == dnnl_out_of_memory)
                throw out_of_memory(in);
            throw Error("model-unsupported", std::string("oneDNN can't run the model '") + model_->name +
                                                 "': " + error.what() + ".");
        }
        return stats;
    }

    std::size_t memory_bytes() const override { return held_; }

private:
    struct Kept {
        int width = 0;
        int height = 0;
        std::unique_ptr<Plan> plan;
        bool lent = false;
    };

    /// A plan for one size, which belongs to one picture while this lives.
    class LentPlan
    {
    public:
        LentPlan(OnednnPainter &painter, int width, int height, const std::atomic<bool> &cancel)
            : painter_(painter), kept_(painter.lend(width, height, cancel))
        {
        }
        ~LentPlan()
        {
            const std::lock_guard guard(painter_.lock_);
            kept_.lent = false;
        }
        LentPlan(const LentPlan &) = delete;
        LentPlan &operator=(const LentPlan &) = delete;
        Plan *operator->() const { return kept_.plan.get(); }

    private:
        OnednnPainter &painter_;
        Kept &kept_;
    };

    static Error out_of_memory(const ConstImage &in)
    {
        return {"out-of-memory",
                "There is not enough memory to paint a picture of " + std::to_string(in.width) + "×" +
                    std::to_string(in.height) + " pixels.",
                "Lower max-dimension, or give the process more memory."};
    }

    Kept &lend(int width, int height, const std::atomic<bool> &cancel)
    {
        {
            const std::lock_guard guard(lock_);
            const auto idle = std::find_if(plans_.begin(), plans_.end(), [&](const Kept &kept) {
                return kept.width == width && kept.height == height && !kept.lent;
            });
            if (idle != plans_.end()) {
                plans_.splice(plans_.begin(), plans_, idle);
                plans_.front().lent = true;
                return plans_.front();
            }
            trim(width, height);
        }
        auto made = std::make_unique<Plan>(
            model_->graph, precision_, width, height, cache_, static_cast<int>(info_.threads), [&cancel] {
                if (cancel)
                    throw Error("cancelled", "Painting was cancelled while its plan was made.");
            });
        log(*made, width, height);
        const std::lock_guard guard(lock_);
        return plans_.emplace_front(Kept{width, height, std::move(made), true});
    }

    void log(const Plan &plan, int width, int height) const
    {
        if (!g_log_writer_default_would_drop(G_LOG_LEVEL_DEBUG, G_LOG_DOMAIN))
            g_debug("%s %s %dx%d on %s: %s", info_.model.c_str(), info_.precision.c_str(), width, height,
                    info_.isa.c_str(), plan.describe().c_str());
    }

    /// Makes room for a plan of this size. Of plans that are not lent it keeps the newest, with those that
    /// are for at most kept_sizes sizes, and at most kept_bytes of them. With the lock held.
    void trim(int width, int height)
    {
        std::set<std::pair<int, int>> sizes = {{width, height}};
        std::size_t bytes = 0;
        bool full = false;
        std::erase_if(plans_, [&](const Kept &kept) {
            sizes.emplace(kept.width, kept.height);
            bytes += kept.plan->memory_bytes();
            full = full || sizes.size() > kept_sizes || bytes > kept_bytes;
            return full && !kept.lent;
        });
    }

    std::size_t held() const
    {
        std::size_t sum = cache_.bytes();
        const std::lock_guard guard(lock_);
        for (const Kept &kept : plans_)
            sum += kept.plan->memory_bytes();
        return sum;
    }

    std::shared_ptr<const Model> model_;
    Precision precision_;
    std::shared_ptr<Slot> slot_;
    PainterInfo info_;
    WeightCache cache_;
    mutable std::mutex lock_; ///< protects what follows
    std::list<Kept> plans_;   ///< the last used first
    std::atomic<std::size_t> held_ = 0;
};

} // namespace

std::shared_ptr<Painter> make_onednn_painter(std::shared_ptr<const Model> model,
                                             const PaintSettings &settings)
{
    require_operations("onednn", model->graph);
    return std::make_shared<OnednnPainter>(std::move(model), settings);
}

} // namespace anime
