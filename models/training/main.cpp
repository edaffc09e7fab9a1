// SPDX-License-Identifier: LGPL-2.1-or-later
// anime-train: trains the embedded default from a recipe; docs/models.md shows how.
#include "models/training/cache.h"
#include "models/training/evaluate.h"
#include "models/training/export.h"
#include "models/training/train.h"

#include <ATen/Parallel.h>
#include <glib.h>
#include <malloc.h>
#include <vips/vips.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <stdexcept>

namespace
{

using namespace anime::training;

volatile std::sig_atomic_t stop_asked = 0;

struct Arguments {
    std::string command;
    std::string recipe;
    std::string teacher;
    std::string folder = "training";
    std::string output = "default.safetensors";
    int threads = 2;
    bool exact = false;
    at::Device device = at::kCPU;
};

constexpr std::uint64_t checkpoint_steps = 500;
constexpr std::uint64_t curve_steps = 2000;

/// Each recipe has a folder of its own beside the cache that they share.
std::string run_folder(const Arguments &arguments, const Recipe &recipe)
{
    const std::string folder = arguments.folder + "/" + recipe.name;
    std::filesystem::create_directories(folder);
    return folder;
}

std::vector<Example> load_all(const Recipe &recipe, Split split)
{
    std::vector<Example> all;
    for (const Source &source : recipe.sources) {
        for (Example &example : load_examples(source, split, recipe.colours)) {
            all.push_back(std::move(example));
        }
    }
    return all;
}

/// The held-out photos of the first source, by which the curve is drawn: small and many.
std::vector<Example> curve_examples(const Recipe &recipe)
{
    return load_examples(recipe.sources.front(), Split::held_out, recipe.colours);
}

void run_cache(const Arguments &arguments, const Recipe &recipe)
{
    for (const Source &source : recipe.sources) {
        fill_cache(source, arguments.teacher);
    }
}

void run_train(const Arguments &arguments, const Recipe &recipe)
{
    // Training stops between two steps, with a checkpoint; everything else may be killed at any time.
    std::signal(SIGINT, [](int) { stop_asked = 1; });
    std::signal(SIGTERM, [](int) { stop_asked = 1; });
    const std::string checkpoint = run_folder(arguments, recipe) + "/checkpoint.pt";
    const std::string curve = run_folder(arguments, recipe) + "/curve.csv";
    const at::ScalarType type = arguments.exact ? at::kFloat : at::kBFloat16;
    const std::vector<Example> examples = load_all(recipe, Split::training);
    const std::vector<Example> held_out = curve_examples(recipe);
    Progress progress = std::filesystem::exists(checkpoint) ? load(checkpoint, recipe) : start(recipe);
    std::printf("%zu photos, step %llu of %llu\n", examples.size(),
                static_cast<unsigned long long>(progress.step),
                static_cast<unsigned long long>(recipe.steps()));
    std::fflush(stdout);
    using Clock = std::chrono::steady_clock;
    Clock::time_point since = Clock::now();
    double sum = 0;
    int count = 0;
    train(progress, recipe, examples, {type, arguments.device, arguments.threads},
          [&](const Progress &now, double loss, double rate) {
              sum += loss;
              ++count;
              const bool last = stop_asked || now.step == recipe.steps();
              if (now.step % checkpoint_steps == 0 || last) {
                  save(now, checkpoint);
                  const double seconds = std::chrono::duration<double>(Clock::now() - since).count();
                  std::printf("step %llu, loss %.4f, rate %.6f, %.1f crops/s\n",
                              static_cast<unsigned long long>(now.step), sum / count, rate,
                              count * recipe.batch / seconds);
                  if (now.step % curve_steps == 0 || now.step == recipe.steps()) {
                      const Scores scores =
                          mean(evaluate(Student(on_device(now.average, at::kCPU)), held_out));
                      append_curve({now.step, sum / count, scores}, curve);
                      std::printf("held out: %.2f dB, SSIM %.4f, edge energy %.3f, colour error %.2f\n",
                                  scores.psnr, scores.ssim, scores.edge_energy, scores.colour_error);
                  }
                  std::fflush(stdout);
                  sum = 0;
                  count = 0;
                  since = Clock::now();
              }
              return !last;
          });
}

void run_evaluate(const Arguments &arguments, const Recipe &recipe)
{
    const Student student(load(run_folder(arguments, recipe) + "/checkpoint.pt", recipe).average);
    const std::vector<Example> held_out = load_all(recipe, Split::held_out);
    const std::vector<Scored> scored = evaluate(student, held_out);
    for (const Scored &one : scored) {
        std::printf("%-40s %4lldx%-4lld %6.2f dB, SSIM %.4f, edge energy %.3f, colour error %.2f\n",
                    one.name.c_str(), static_cast<long long>(one.width), static_cast<long long>(one.height),
                    one.scores.psnr, one.scores.ssim, one.scores.edge_energy, one.scores.colour_error);
    }
    const Scores all = mean(scored);
    std::printf("mean of %zu: %.2f dB, SSIM %.4f, edge energy %.3f, colour error %.2f\n", scored.size(),
                all.psnr, all.ssim, all.edge_energy, all.colour_error);
    write_scores(scored, run_folder(arguments, recipe) + "/scores.csv");
    write_sheets(student, held_out, run_folder(arguments, recipe) + "/sheets");
    if (const std::string curve = run_folder(arguments, recipe) + "/curve.csv";
        std::filesystem::exists(curve)) {
        plot_curve(read_curve(curve), run_folder(arguments, recipe) + "/curve.svg");
    }
}

void run_export(const Arguments &arguments, const Recipe &recipe)
{
    const Progress progress = load(run_folder(arguments, recipe) + "/checkpoint.pt", recipe);
    const Student student(progress.average);
    const auto teacher = open_teacher(arguments.teacher);
    export_student(student,
                   {recipe.name, recipe.description, teacher->info().model, teacher->info().digest,
                    recipe.seed, progress.step, recipe.batch,
                    mean(evaluate(student, load_all(recipe, Split::held_out)))},
                   arguments.output);
    std::printf("wrote %s\n", arguments.output.c_str());
}

Arguments parse(int argc, char **argv)
{
    char *recipe = nullptr;
    char *teacher = nullptr;
    char *folder = nullptr;
    char *output = nullptr;
    char *device = nullptr;
    Arguments arguments;
    int exact = FALSE;
    const GOptionEntry entries[] = {
        {"recipe", 'r', 0, G_OPTION_ARG_FILENAME, &recipe, "What to train, on which photos", "FILE"},
        {"teacher", 't', 0, G_OPTION_ARG_FILENAME, &teacher, "The teacher's state dict (.pt)", "FILE"},
        {"folder", 'f', 0, G_OPTION_ARG_FILENAME, &folder,
         "Cache, checkpoint, curve and sheets (default: training)", "DIR"},
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output,
         "What export writes (default: default.safetensors)", "FILE"},
        {"threads", 'j', 0, G_OPTION_ARG_INT, &arguments.threads, "CPU threads (default: 2)", "N"},
        {"device", 'd', 0, G_OPTION_ARG_STRING, &device, "What trains: cpu, cuda:N (default: cpu)", "DEVICE"},
        {"exact", 0, 0, G_OPTION_ARG_NONE, &exact, "Train in float instead of bf16", nullptr},
        {nullptr, 0, 0, G_OPTION_ARG_NONE, nullptr, nullptr, nullptr},
    };
    const std::unique_ptr<GOptionContext, decltype(&g_option_context_free)> context(
        g_option_context_new("cache|train|evaluate|export|all"), g_option_context_free);
    g_option_context_set_summary(
        context.get(), "Trains the embedded default. 'cache' paints the photos with the teacher, 'train' "
                       "goes on from the last\ncheckpoint, 'evaluate' scores the held-out photos and "
                       "draws sheets, 'export' writes the weights file,\n'all' does the four in turn. "
                       "Ctrl-C saves a checkpoint and stops.");
    g_option_context_add_main_entries(context.get(), entries, nullptr);
    GError *error = nullptr;
    if (!g_option_context_parse(context.get(), &argc, &argv, &error)) {
        const std::string message = error->message;
        g_error_free(error);
        throw std::runtime_error(message);
    }
    const auto take = [](char *value, std::string &into) {
        if (value != nullptr) {
            into = value;
            g_free(value);
        }
    };
    take(recipe, arguments.recipe);
    take(teacher, arguments.teacher);
    take(folder, arguments.folder);
    take(output, arguments.output);
    if (device != nullptr) {
        std::string name;
        take(device, name);
        arguments.device = find_device(name);
    }
    arguments.exact = exact != FALSE;
    if (argc != 2 || arguments.recipe.empty() || arguments.threads < 1) {
        throw std::runtime_error(
            "usage: anime-train cache|train|evaluate|export|all --recipe FILE --teacher FILE");
    }
    arguments.command = argv[1];
    return arguments;
}

int run(int argc, char **argv)
{
    const Arguments arguments = parse(argc, argv);
    at::set_num_threads(arguments.threads);
    const Recipe recipe = read_recipe(arguments.recipe, arguments.folder + "/cache");
    const struct {
        const char *name;
        void (*run)(const Arguments &, const Recipe &);
    } commands[] = {
        {"cache", run_cache}, {"train", run_train}, {"evaluate", run_evaluate}, {"export", run_export}};
    bool found = false;
    for (const auto &command : commands) {
        if ((arguments.command == command.name || arguments.command == "all") && !stop_asked) {
            found = true;
            command.run(arguments, recipe);
        }
    }
    if (!found && !stop_asked) {
        throw std::runtime_error("there is no command '" + arguments.command + "'");
    }
    return 0;
}

} // namespace

int main(int argc, char **argv)
{
    // Activations of tens of megabytes come and go at every layer: keep their pages instead of faulting them
    // in anew.
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_ARENA_MAX, 1);
    try {
        if (VIPS_INIT(argv[0]) != 0) {
            throw std::runtime_error(vips_error_buffer());
        }
        return run(argc, argv);
    } catch (const std::exception &error) {
        std::fprintf(stderr, "anime-train: %s\n", error.what());
        return 1;
    }
}
