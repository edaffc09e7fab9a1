// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs an upload through one of the operator's pipeline descriptions, and tells what the elements said.
#pragma once

#include "service/jobs/job.h"
#include "service/ops/log.h"
#include "service/ops/options.h"
#include "service/picture.h"
#include "service/problem.h"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace anime
{
class Pipeline;
struct MemoryResult;
struct RunFailure;
} // namespace anime

namespace anime::service
{

struct StyleEntry {
    std::string name;
    std::string model; ///< the style that it stands for; itself, if none
    std::string description;
    std::string licence;
};

/// What the descriptions allow, read from their elements at start.
struct EngineFacts {
    std::map<std::string, std::vector<std::string>> formats; ///< by description: jpeg, png, webp, avif
    /// By description, the formats that have a quality, and what it is where the client names none.
    std::map<std::string, std::map<std::string, int>> qualities;
    std::set<std::string> scalable; ///< descriptions with a sizeguard, which makes pictures smaller
    std::uint64_t max_source_pixels = 0;
    std::uint64_t max_dimension = 0;
    std::vector<std::string> source_formats; ///< media types
    std::vector<StyleEntry> styles;
    std::string model; ///< what the default style is
};

struct Step;

class Engine
{
public:
    using Progress = std::function<void(const std::string &stage, double fraction)>;
    struct Outcome {
        PicturePtr picture;
        std::optional<Problem> problem;
    };

    /// GStreamer must have been initialised.
    Engine(const Options &options, Log &log);
    ~Engine();
    Engine(const Engine &) = delete;
    Engine &operator=(const Engine &) = delete;

    /// Loads the descriptions, paints a small picture with each so that the model is loaded and the first
    /// visitor doesn't wait for it. Throws std::runtime_error if the default description doesn't work.
    void warm_up();
    bool ready() const { return ready_; }

    /// Only after warm_up().
    const EngineFacts &facts() const { return facts_; }

    /// SHA-256 of the description and of the weights that paint these options: for cache keys, which so are
    /// good for ever and on every host. Throws Error model-missing where a style's file went away.
    std::string painter_digest(const PaintOptions &options) const;

    /// The same of everything that it can paint.
    std::string digest() const;

    /// One pipeline of its own; any number of threads at once.
    Outcome run(const Run &run, const Progress &progress) const;

private:
    struct Served;
    struct Descriptions;
    void add_description(const std::string &name);
    void add_encoded_formats();
    void read_guard(const Pipeline &pipeline);
    MemoryResult run_pipeline(const Run &run, PictureInfo &info,
                              const std::function<void(const Step &)> &on_step) const;
    Problem failed(const Run &run, RunFailure failure, const PictureInfo &info, const std::string &stage,
                   double run_ms) const;

    const Options &options_;
    Log &log_;
    std::unique_ptr<Descriptions> descriptions_;
    EngineFacts facts_;
    std::atomic<bool> ready_{false};
};

} // namespace anime::service
