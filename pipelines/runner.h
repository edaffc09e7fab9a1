// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs a pipeline description: loads it by name, sets typed properties on its named elements, watches its bus
// until it ends, and says in one Failure why it did not end well.
#pragma once

#include "elements/common/failure.h"
#include "elements/common/gst_raii.h"

#include <gst/gst.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

namespace anime
{

/// A launch line without its comments (lines that begin with '#'). The project's own descriptions name their
/// elements alike: input, guard (sizeguard), faces (facepaint), paint (animeganfilter), output.
struct Description {
    std::string name; ///< "photo", or the path it was read from
    std::string text = {};

    // What its header lines say ("# in: jpg png *", "# out: png", "# in folders: no"); docs/pipelines.md.
    std::vector<std::string> in = {};  ///< file types that it reads, as ".png"; empty: it doesn't say
    std::vector<std::string> out = {}; ///< file types that it writes
    bool reads_the_rest = false;       ///< "*": also what no description names, if it is told to
    bool in_folders = true;            ///< may be chosen where no output is named
    /// What may stand for "{name}" in the text, best first: "# {name}: x264enc …", once for each.
    std::map<std::string, std::vector<std::string>> alternatives = {};
};

/// Why a run failed. Codes of the runner itself: description-missing, description-invalid, element-missing,
/// option-unknown, option-invalid, no-output, cancelled, deadline, stuck; codes of the elements as in
/// docs/elements.md; for other elements GStreamer's domain and name: resource-not-found, stream-decode, …
struct RunFailure : Failure {
    std::string element; ///< factory of the element that failed ("sizeguard"), or empty
};

/// Thrown while a pipeline is made and configured; a run returns its failure instead.
class PipelineError : public std::runtime_error
{
public:
    explicit PipelineError(RunFailure failure)
        : std::runtime_error(failure.message), failure_(std::move(failure))
    {
    }
    const RunFailure &failure() const noexcept { return failure_; }

private:
    RunFailure failure_;
};

/// Finds `name` as NAME.launch in the folders of ANIME_PIPELINE_PATH and then in the installed one; something
/// with a slash or ending in ".launch" is a path. Throws PipelineError: description-missing.
Description load_description(const std::string &name_or_path);

/// The names that load_description finds, sorted.
std::vector<std::string> description_names();

using PropertyValue = std::variant<bool, std::int64_t, double, std::string>;

struct RunLimits {
    std::optional<std::chrono::steady_clock::time_point> deadline = std::nullopt;
    /// The same where it may still be put off; polled like `cancel`.
    const std::atomic<std::chrono::steady_clock::time_point> *moving_deadline = nullptr;
    const std::atomic<bool> *cancel = nullptr; ///< polled every 20 ms
    /// Asked every 20 ms; a failure ends the run with it. `failed`: has there been an error already?
    std::function<std::optional<RunFailure>(bool failed)> watch = {};
    /// How long after an error the rest may take to reach the end, so that what came before it is kept whole.
    std::chrono::milliseconds finish_within{0};
    /// How long the elements may take to stop; beyond it they are left behind and the run fails as "stuck".
    std::chrono::milliseconds stop_within{10'000};
};

struct RunResult {
    std::optional<RunFailure> failure; ///< empty: every sink got its data and then EOS
    bool reached_end = false; ///< every sink got EOS and failed at nothing, be it after an error elsewhere
    bool ok() const { return !failure; }
};

using Bytes = std::vector<std::uint8_t>;

struct MemoryResult : RunResult {
    Bytes output;
    std::string media_type; ///< of the output's caps: image/png
};

/// One pipeline, for one run. Not for use from several threads at once; several pipelines may run in
/// parallel. GStreamer must have been initialised.
class Pipeline
{
public:
    /// Throws PipelineError: description-invalid, element-missing.
    explicit Pipeline(const Description &description);
    ~Pipeline();
    Pipeline(const Pipeline &) = delete;
    Pipeline &operator=(const Pipeline &) = delete;

    /// Sets a property of the element that the description named `element`. A string may also name an enum's
    /// value, or flags ("jpeg+png"); nothing else is parsed, and a value out of the property's range is
    /// refused. Throws PipelineError: option-unknown, option-invalid.
    void set(const std::string &element, const std::string &property, const PropertyValue &value);

    /// Has the description an element of this name? Of this factory, if one is given?
    bool has(const std::string &element, const std::string &factory = {}) const;

    /// The same element, to read its properties; null if there is none.
    ElementPtr element(const std::string &name) const;

    /// Called for each element message (sizeguard, facepaint, animeganfilter: docs/elements.md), in the
    /// thread that runs.
    void on_message(std::function<void(const GstStructure *)> callback);

    /// Called for each warning, in the thread that runs.
    void on_warning(std::function<void(const RunFailure &)> callback);

    /// Plays until EOS, error, cancel or deadline, and stops. A sink that got nothing makes it a failure.
    RunResult run(const RunLimits &limits = {});

    /// The same with `input` fed into the appsrc named "input" and everything that reaches the appsink named
    /// "output" handed back. Throws PipelineError: description-invalid if it has none.
    MemoryResult run(std::shared_ptr<const Bytes> input, const RunLimits &limits = {});

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace anime
