// SPDX-License-Identifier: LGPL-2.1-or-later
// anime-run: paints files and folders with pipeline descriptions, all in one process, so that the weights are
// loaded once.
#include "pipelines/batch.h"
#include "pipelines/film/film.h"
#include "pipelines/film/journal.h"
#include "pipelines/installed.h"
#include "pipelines/options.h"
#include "pipelines/partial_file.h"
#include "pipelines/progress.h"
#include "pipelines/runner.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace fs = std::filesystem;

namespace anime
{

namespace
{

std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free, "set by a signal handler");

struct Failed {
    fs::path input;
    RunFailure failure;
};

std::string describe(const RunFailure &failure)
{
    std::string text = failure.message;
    if (!failure.remedy.empty())
        text += " " + failure.remedy;
    return text + " [" + failure.code + "]";
}

/// The one that was asked for, or all that say which files they read and write.
std::vector<Description> descriptions_for(const Options &options)
{
    if (!options.pipeline.empty())
        return {load_description(options.pipeline)};
    std::vector<Description> descriptions;
    for (const std::string &name : description_names()) {
        Description description = load_description(name);
        if (!description.out.empty() && (!description.in.empty() || description.reads_the_rest))
            descriptions.push_back(std::move(description));
    }
    if (descriptions.empty()) {
        RunFailure failure;
        failure.code = "description-missing";
        failure.message = "No pipeline descriptions are found.";
        failure.remedy =
            "ANIME_PIPELINE_PATH names their folder; ./animate and meson devenv set it for a program that "
            "is not installed.";
        throw PipelineError(failure);
    }
    return descriptions;
}

RunFailure unwritable(const fs::path &output, const std::error_code &reason)
{
    RunFailure failure;
    failure.code = "output-unwritable";
    failure.message = "The file " + output.string() + " can't be written: " + reason.message() + ".";
    return failure;
}

/// What a task came to; notes say what is otherwise than in the input.
struct Outcome {
    std::optional<RunFailure> failure;
    std::vector<RunFailure> notes;
    std::uint64_t frames = 0;
    std::uint64_t frames_before = 0; ///< of these, those that an earlier run painted
    bool kept = false;               ///< with a failure: --resume goes on
};

Outcome failed_with(RunFailure failure)
{
    Outcome outcome;
    outcome.failure = std::move(failure);
    return outcome;
}

std::optional<RunFailure> paint_photo(const Options &options, Pipeline &pipeline, const Task &task,
                                      const std::string &output)
{
    pipeline.set("input", "location", task.input.string());
    pipeline.set("output", "location", output);
    if (!options.style.empty())
        pipeline.set("paint", "model", options.style);
    if (!options.style.empty() && pipeline.has("faces", "facepaint"))
        pipeline.set("faces", "model", options.style);
    if (options.strength)
        pipeline.set("paint", "strength", *options.strength);
    RunLimits limits;
    limits.cancel = &interrupted;
    return pipeline.run(limits).failure;
}

/// "clip-partial.mp4": what could be painted of a film that is not whole.
fs::path partial_name(const fs::path &output)
{
    return output.parent_path() / (output.stem().string() + "-partial" + output.extension().string());
}

Outcome paint_film(const Options &options, const Description &description, const Task &task,
                   PartialFile &partial, Progress &progress)
{
    FilmJob job;
    job.input = task.input;
    job.output = partial.name();
    job.journal = journal_of(task.output);
    job.resume = options.resume;
    job.style = options.style;
    job.strength = options.strength;
    job.limits.stall = std::chrono::milliseconds(static_cast<std::int64_t>(1000 * options.stall_after));
    job.limits.cancel = &interrupted;
    job.on_progress = [&](const FilmProgress &now) { progress.advance(task, now); };
    FilmResult result;
    try {
        result = paint_film(description, job);
    } catch (const PipelineError &error) {
        // What is wrong with one film is no reason not to paint the next.
        const std::string &code = error.failure().code;
        if (!interrupted && !code.starts_with("film-") && !code.starts_with("resource-") &&
            code != "output-unwritable")
            throw;
        return failed_with(error.failure());
    }
    if (result.failure && result.playable && !interrupted) {
        const fs::path kept = partial_name(task.output);
        if (!partial.rename(kept))
            result.failure->message += " They are in " + kept.string() + ".";
    }
    return {std::move(result.failure), std::move(result.notes), result.frames, result.frames_before,
            result.kept};
}

/// Paints into a file beside the output, which takes its name only when it is complete. Throws PipelineError
/// for what would fail for every file: a wrong description or option.
Outcome paint(const Options &options, const Description &description, const Task &task, Progress &progress)
{
    const bool film = is_film(description);
    PartialFile partial =
        film ? PartialFile(PartialFile::Named{joined_of(task.output)}) : PartialFile(task.output);
    if (partial.error())
        return failed_with(unwritable(task.output, partial.error()));
    Outcome outcome;
    if (film) {
        outcome = paint_film(options, description, task, partial, progress);
    } else {
        Pipeline pipeline(description);
        outcome.failure = paint_photo(options, pipeline, task, partial.name());
    }
    if (outcome.failure)
        return outcome;
    if (const std::error_code error = partial.rename(task.output))
        outcome.failure = unwritable(task.output, error);
    return outcome;
}

/// With --resume: has an earlier run painted it? A film that it began is not.
bool is_painted(const Task &task)
{
    std::error_code missing;
    const auto painted = fs::last_write_time(task.output, missing);
    return !missing && painted >= fs::last_write_time(task.input, missing) && !missing &&
           !fs::exists(journal_of(task.output), missing);
}

std::vector<Task> plan(const Options &options, const std::vector<Description> &descriptions)
{
    std::vector<std::string> inputs = options.files;
    std::string output;
    if (inputs.size() > 1) {
        output = inputs.back();
        inputs.pop_back();
    }
    std::vector<Task> tasks = plan_tasks(inputs, output, descriptions);
    if (options.resume && std::erase_if(tasks, is_painted) > 0)
        std::fprintf(stderr, "Files that are painted already are left as they are.\n");
    return tasks;
}

int interrupted_after(const Outcome &outcome)
{
    std::fputs(outcome.kept
                   ? "Interrupted. What is painted of the film is kept; the same command with --resume "
                     "goes on.\n"
                   : "Interrupted.\n",
               stderr);
    return 130;
}

int run(const Options &options)
{
    const std::vector<Description> descriptions = descriptions_for(options);
    const std::vector<Task> tasks = plan(options, descriptions);
    Progress progress(tasks.size());
    std::vector<Failed> failed;
    for (const Task &task : tasks) {
        progress.start(task);
        if (task.output.has_parent_path())
            fs::create_directories(task.output.parent_path());
        const auto description = std::ranges::find(descriptions, task.description, &Description::name);
        Outcome outcome = paint(options, *description, task, progress);
        if (interrupted) {
            progress.clear();
            return interrupted_after(outcome);
        }
        progress.finish(task, !outcome.failure, outcome.frames, outcome.frames_before);
        for (const RunFailure &note : outcome.notes)
            std::fprintf(stderr, "%s: %s\n", task.input.c_str(), describe(note).c_str());
        if (outcome.failure && outcome.kept)
            outcome.failure->message += " What is painted is kept; the same command with --resume goes on.";
        if (outcome.failure)
            failed.push_back({task.input, std::move(*outcome.failure)});
    }
    progress.clear();
    if (tasks.size() > 1)
        std::printf("%zu of %zu files painted into %s\n", tasks.size() - failed.size(), tasks.size(),
                    tasks[0].output.parent_path().c_str());
    for (const Failed &one : failed)
        std::fprintf(stderr, "%s: %s\n", one.input.c_str(), describe(one.failure).c_str());
    return failed.empty() ? 0 : 1;
}

} // namespace

} // namespace anime

int main(int argc, char **argv)
{
    // The threads that paint spin while they wait for each other, which takes three times as long where
    // something else wants a core. libgomp reads this when GStreamer loads the plugin.
    setenv("OMP_WAIT_POLICY", "passive", 0);
    const anime::Options options = anime::parse_command_line(argc, argv);
    struct sigaction stop = {};
    stop.sa_handler = [](int) { anime::interrupted = true; };
    stop.sa_flags = SA_RESETHAND; // a second Ctrl-C ends it at once
    sigaction(SIGINT, &stop, nullptr);
    sigaction(SIGTERM, &stop, nullptr);
    try {
        anime::find_installed_plugin();
        return anime::run(options);
    } catch (const anime::PipelineError &error) {
        std::fprintf(stderr, "%s\n", anime::describe(error.failure()).c_str());
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
    }
    return 2;
}
