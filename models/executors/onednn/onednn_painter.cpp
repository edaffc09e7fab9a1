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

#include <chrono>
#include <list>
#include <new>

namespace anime
{

namespace
{

using namespace onednn;

/// Plans that are kept for the next picture of their size: a stream needs one, faces another.
constexpr std::size_t kept_plans = 4;
/// What plans other than the newest may hold together.
constexpr std::size_t kept_bytes = std::size_t{48} << 20;

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
        info_.threads = settings.threads ? settings.threads : usable_cores();
        info_.face_size = model_->face_size;
        info_.graded = model_->graded;
    }

    const PainterInfo &info() const override { return info_; }

    PaintStats paint(const ConstImage &in, const Image &out, const std::atomic<bool> &cancel) override
    {
        PaintStats stats;
        try {
            stats.wait_ns = slot_->run(info_.threads, cancel, [&](unsigned) {
                const auto start = std::chrono::steady_clock::now();
                plan(in.width, in.height, cancel).paint(in, out, cancel);
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
    };

    static Error out_of_memory(const ConstImage &in)
    {
        return {"out-of-memory",
                "There is not enough memory to paint a picture of " + std::to_string(in.width) + "×" +
                    std::to_string(in.height) + " pixels.",
                "Lower max-dimension, or give the process more memory."};
    }

    /// Only called on the slot's thread, which is what protects plans_ and cache_.
    Plan &plan(int width, int height, const std::atomic<bool> &cancel)
    {
        for (auto i = plans_.begin(); i != plans_.end(); ++i)
            if (i->width == width && i->height == height) {
                plans_.splice(plans_.begin(), plans_, i);
                return *plans_.front().plan;
            }
        trim(kept_plans - 1, kept_bytes);
        auto made = std::make_unique<Plan>(
            model_->graph, precision_, width, height, cache_, static_cast<int>(info_.threads), [&cancel] {
                if (cancel)
                    throw Error("cancelled", "Painting was cancelled while its plan was made.");
            });
        log(*made, width, height);
        plans_.push_front({width, height, std::move(made)});
        return *plans_.front().plan;
    }

    void log(const Plan &plan, int width, int height) const
    {
        if (!g_log_writer_default_would_drop(G_LOG_LEVEL_DEBUG, G_LOG_DOMAIN))
            g_debug("%s %s %dx%d on %s: %s", info_.model.c_str(), info_.precision.c_str(), width, height,
                    info_.isa.c_str(), plan.describe().c_str());
    }

    /// Keeps the newest plans, at most `count` of them and `bytes` together.
    void trim(std::size_t count, std::size_t bytes)
    {
        std::size_t held = 0;
        std::size_t n = 0;
        auto i = plans_.begin();
        for (; i != plans_.end() && n < count; ++i, ++n) {
            held += i->plan->memory_bytes();
            if (held > bytes)
                break;
        }
        plans_.erase(i, plans_.end());
    }

    std::size_t held() const
    {
        std::size_t sum = cache_.bytes();
        for (const Kept &kept : plans_)
            sum += kept.plan->memory_bytes();
        return sum;
    }

    std::shared_ptr<const Model> model_;
    Precision precision_;
    std::shared_ptr<Slot> slot_;
    PainterInfo info_;
    WeightCache cache_;
    std::list<Kept> plans_; ///< the last used first
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
