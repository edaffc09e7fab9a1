// SPDX-License-Identifier: LGPL-2.1-or-later
// anime-run: paints files and folders of images with a pipeline description, all in one process, so that the
// weights are loaded once.
#include "pipelines/batch.h"
#include "pipelines/runner.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <glib/gstdio.h>
#include <map>
#include <system_error>
#include <unistd.h>

namespace fs = std::filesystem;

namespace anime
{

namespace
{

using Clock = std::chrono::steady_clock;

std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free, "set by a signal handler");

struct Options {
    std::string style;
    std::optional<double> strength;
    std::string pipeline;
    std::vector<std::string> files;
};

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

/// A line for each picture, or on a terminal one line that is drawn over.
class Progress
{
public:
    explicit Progress(std::size_t total) : total_(total), bar_(total > 1 && isatty(STDERR_FILENO)) {}
    ~Progress() { clear(); }

    void start(const Task &task)
    {
        started_ = Clock::now();
        if (!bar_)
            return;
        constexpr std::size_t width = 30;
        const std::size_t filled = width * done_ / total_;
        std::fprintf(stderr, "\r\033[K[%s%s] %zu/%zu  %s", std::string(filled, '#').c_str(),
                     std::string(width - filled, '.').c_str(), done_, total_,
                     task.input.filename().string().c_str());
        std::fflush(stderr);
    }

    void finish(const Task &task, bool ok)
    {
        ++done_;
        if (bar_)
            return;
        const double seconds = std::chrono::duration<double>(Clock::now() - started_).count();
        const std::string count =
            total_ > 1 ? std::to_string(done_) + "/" + std::to_string(total_) + " " : "";
        if (ok)
            std::printf("%s%s -> %s (%.2f s)\n", count.c_str(), task.input.c_str(), task.output.c_str(),
                        seconds);
        else
            std::printf("%s%s: failed\n", count.c_str(), task.input.c_str());
        std::fflush(stdout);
    }

    void clear()
    {
        if (bar_)
            std::fputs("\r\033[K", stderr);
    }

private:
    std::size_t total_;
    std::size_t done_ = 0;
    bool bar_;
    Clock::time_point started_;
};

const Description &description_for(const Options &options, const fs::path &output)
{
    static std::map<std::string, Description> loaded;
    std::string name = options.pipeline;
    if (name.empty()) {
        const std::string extension = output.extension();
        const bool jpeg = g_ascii_strcasecmp(extension.c_str(), ".png") != 0;
        name = jpeg ? "photo-jpeg" : "photo";
    }
    const auto known = loaded.find(name);
    return known != loaded.end() ? known->second : loaded.emplace(name, load_description(name)).first->second;
}

RunFailure unwritable(const fs::path &output, const std::error_code &reason)
{
    RunFailure failure;
    failure.code = "output-unwritable";
    failure.message = "The file " + output.string() + " can't be written: " + reason.message() + ".";
    return failure;
}

/// A file of its own beside the output, so that two runs don't write into one; it is removed unless it took
/// the output's name.
class PartialFile
{
public:
    explicit PartialFile(const fs::path &output) : name_(output.parent_path() / "anime-XXXXXX.part")
    {
        // The mode of an ordinary new file; mkstemp's 0600 would stay on the picture.
        const int file = g_mkstemp_full(name_.data(), O_WRONLY | O_CLOEXEC, 0666);
        if (file < 0)
            error_.assign(errno, std::generic_category());
        else
            close(file);
    }
    ~PartialFile()
    {
        std::error_code renamed;
        if (!error_)
            fs::remove(name_, renamed);
    }
    PartialFile(const PartialFile &) = delete;
    PartialFile &operator=(const PartialFile &) = delete;

    const std::string &name() const { return name_; }
    const std::error_code &error() const { return error_; }

private:
    std::string name_;
    std::error_code error_;
};

/// Paints into a file beside the output, which takes its name only when it is complete. Throws PipelineError
/// for what would fail for every picture: a wrong description or option.
std::optional<RunFailure> paint(const Options &options, const Task &task)
{
    Pipeline pipeline(description_for(options, task.output));
    const PartialFile partial(task.output);
    if (partial.error())
        return unwritable(task.output, partial.error());
    pipeline.set("input", "location", task.input.string());
    pipeline.set("output", "location", partial.name());
    if (!options.style.empty())
        pipeline.set("paint", "model", options.style);
    if (!options.style.empty() && pipeline.has("faces", "facepaint"))
        pipeline.set("faces", "model", options.style);
    if (options.strength)
        pipeline.set("paint", "strength", *options.strength);
    RunLimits limits;
    limits.cancel = &interrupted;
    std::optional<RunFailure> failure = pipeline.run(limits).failure;
    std::error_code error;
    if (!failure)
        fs::rename(partial.name(), task.output, error);
    if (error)
        return unwritable(task.output, error);
    return failure;
}

int run(const Options &options)
{
    std::vector<std::string> inputs = options.files;
    std::string output;
    if (inputs.size() > 1) {
        output = inputs.back();
        inputs.pop_back();
    }
    const std::vector<Task> tasks = plan_tasks(inputs, output);
    for (const Task &task : tasks)
        if (task.output.has_parent_path())
            fs::create_directories(task.output.parent_path());

    std::vector<Failed> failed;
    Progress progress(tasks.size());
    for (const Task &task : tasks) {
        progress.start(task);
        std::optional<RunFailure> failure = paint(options, task);
        if (interrupted)
            break;
        progress.finish(task, !failure);
        if (failure)
            failed.push_back({task.input, std::move(*failure)});
    }
    progress.clear();

    if (interrupted) {
        std::fputs("Interrupted.\n", stderr);
        return 130;
    }
    if (tasks.size() > 1)
        std::printf("%zu of %zu pictures painted into %s\n", tasks.size() - failed.size(), tasks.size(),
                    tasks[0].output.parent_path().c_str());
    for (const Failed &one : failed)
        std::fprintf(stderr, "%s: %s\n", one.input.c_str(), describe(one.failure).c_str());
    return failed.empty() ? 0 : 1;
}

std::string take(gchar *text)
{
    std::string copy = text ? text : "";
    g_free(text);
    return copy;
}

/// Ends the process for --help, --version and wrong options.
Options parse_command_line(int argc, char **argv)
{
    gchar *style = nullptr;
    gchar *strength = nullptr;
    gchar *pipeline = nullptr;
    gchar *sample = nullptr;
    gboolean version = FALSE;
    gchar **files = nullptr;
    // FILENAME takes any bytes; STRING would be converted from the locale's charset, which is ASCII here.
    const std::array<GOptionEntry, 7> entries = {{
        {"style", 's', 0, G_OPTION_ARG_FILENAME, &style, "A style by name, or a model file (docs/models.md)",
         "NAME"},
        {"strength", 0, 0, G_OPTION_ARG_FILENAME, &strength, "0 leaves the photo as it is, 1 paints it",
         "0..1"},
        {"pipeline", 'p', 0, G_OPTION_ARG_FILENAME, &pipeline,
         "Another pipeline description, by name or path (docs/pipelines.md)", "NAME"},
        {"sample", 0, 0, G_OPTION_ARG_FILENAME, &sample, "Painted into anime.png if no INPUT is named",
         "FILE"},
        {"version", 0, 0, G_OPTION_ARG_NONE, &version, "Show the version", nullptr},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &files, nullptr, "INPUT... [OUTPUT]"},
        {},
    }};
    GOptionContext *context = g_option_context_new(nullptr);
    g_option_context_set_summary(context, "Turns photos into anime.");
    g_option_context_set_description(
        context,
        "INPUT is a JPEG, PNG or WebP file, or a folder of them. OUTPUT is a .png or .jpg file, or a "
        "folder, which\nis made if it is not there; pictures in it are named like their inputs, with "
        ".png. Without OUTPUT it is\nNAME-anime.png or NAME-anime/ in the current folder. An existing "
        "OUTPUT is replaced, an input never.\nExit code: 0, 1 if a picture failed, 2 for a wrong command "
        "line.\n");
    g_option_context_add_main_entries(context, entries.data(), nullptr);
    g_option_context_add_group(context, gst_init_get_option_group());

    GError *error = nullptr;
    const bool parsed = g_option_context_parse(context, &argc, &argv, &error);
    Options options{take(style), std::nullopt, take(pipeline), {}};
    const bool has_strength = strength != nullptr;
    const std::string strength_text = take(strength);
    for (gchar **file = files; file && *file; ++file)
        options.files.emplace_back(*file);
    g_strfreev(files);
    const std::string sample_file = take(sample);
    if (options.files.empty() && !sample_file.empty())
        options.files = {sample_file, "anime.png"};

    std::string wrong;
    if (!parsed)
        wrong = error->message;
    else if (options.files.empty() && !version)
        wrong = "Name a photo.";
    g_clear_error(&error);
    if (has_strength) {
        gchar *end = nullptr;
        options.strength = g_ascii_strtod(strength_text.c_str(), &end);
        if (strength_text.empty() || *end)
            wrong = "--strength takes a number from 0 to 1, not \"" + strength_text + "\".";
    }
    g_option_context_free(context);

    if (!wrong.empty()) {
        std::fprintf(stderr, "%s See --help.\n", wrong.c_str());
        std::exit(2);
    }
    if (version) {
        std::printf("gst-anime %s, %s\n", ANIME_VERSION, take(gst_version_string()).c_str());
        std::exit(0);
    }
    return options;
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
        return anime::run(options);
    } catch (const anime::PipelineError &error) {
        std::fprintf(stderr, "%s\n", anime::describe(error.failure()).c_str());
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
    }
    return 2;
}
