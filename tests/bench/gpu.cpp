// SPDX-License-Identifier: LGPL-2.1-or-later
// anime-bench-gpu: what tests/bench/gpu measures through the library's own face.
//   frames MODEL DEVICE PRECISION WIDTH HEIGHT FRAMES IN_FLIGHT   frames a second through Painter::paint()
//   fidelity MODEL DEVICE PRECISION WIDTH HEIGHT                  against the oneDNN executor in f32
//   profile LIBRARY MODEL PRECISION WIDTH HEIGHT TUNED            the steps (gpu_profile.h)
//   limits LIBRARY MODEL DEVICE                                   out of memory, then a frame; a lost device
#include "models/error.h"
#include "models/executors/torch/module.h"
#include "models/model.h"
#include "models/painter.h"
#include "tests/bench/gpu_profile.h"
#include "tests/models/float_pictures.h"
#include "tests/models/tiny_models.h"

#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>

namespace
{

using namespace anime;
using Clock = std::chrono::steady_clock;

const std::atomic<bool> never = false;

double milliseconds(Clock::duration took)
{
    return std::chrono::duration<double, std::milli>(took).count();
}

/// Smooth areas, edges and texture, the same on every run.
std::vector<std::uint8_t> picture(int width, int height)
{
    std::vector<std::uint8_t> out(static_cast<std::size_t>(width) * height * 3);
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (int c = 0; c < 3; ++c)
                out[(static_cast<std::size_t>(y) * width + x) * 3 + c] =
                    static_cast<std::uint8_t>(120 + 70 * std::sin(0.05 * x + c) * std::cos(0.07 * y - c) +
                                              (x * y / 64 % 3) * 20 + (x / 40 + y / 24) % 2 * 30);
    return out;
}

/// Of the CUDA runtime that the module brought along; null where there is none.
template <typename Function>
Function *cuda_function(const char *name)
{
    return reinterpret_cast<Function *>(dlsym(dlopen("libcudart.so.13", RTLD_NOW | RTLD_GLOBAL), name));
}

/// Bytes of the GPU's memory that are taken, by whomever; 0 without one.
std::size_t taken()
{
    static auto *const ask = cuda_function<int(std::size_t *, std::size_t *)>("cudaMemGetInfo");
    std::size_t left = 0;
    std::size_t all = 0;
    return ask && ask(&left, &all) == 0 ? all - left : 0;
}

struct Job {
    std::shared_ptr<Painter> painter;
    std::vector<std::uint8_t> in;
    int width;
    int height;

    double paint(std::vector<std::uint8_t> &out) const
    {
        out.resize(in.size());
        const auto start = Clock::now();
        painter->paint({in.data(), width, height, width * 3L, 3}, {out.data(), width, height, width * 3L, 3},
                       never);
        return milliseconds(Clock::now() - start);
    }
};

Job open(const char *model, const char *device, const char *precision, int width, int height)
{
    PaintSettings settings;
    settings.model = model;
    settings.executor = "torch";
    settings.device = device;
    settings.precision = precision;
    return {open_painter(settings), picture(width, height), width, height};
}

/// Every thread paints one frame after the other, so that as many are under way as there are threads.
std::vector<double> paint_at_once(const Job &job, int frames, int threads)
{
    std::vector<std::vector<double>> times(threads);
    std::vector<std::thread> painting;
    for (int i = 0; i < threads; ++i)
        painting.emplace_back([&, i] {
            std::vector<std::uint8_t> out;
            for (int n = 0; n < frames / threads; ++n)
                times[i].push_back(job.paint(out));
        });
    for (std::thread &thread : painting)
        thread.join();
    std::vector<double> all;
    for (const auto &some : times)
        all.insert(all.end(), some.begin(), some.end());
    std::sort(all.begin(), all.end());
    return all;
}

void frames(char **arguments)
{
    const Job job =
        open(arguments[2], arguments[3], arguments[4], std::atoi(arguments[5]), std::atoi(arguments[6]));
    const int count = std::atoi(arguments[7]);
    const int at_once = std::atoi(arguments[8]);
    const std::size_t context = taken();
    std::vector<std::uint8_t> out;
    const double first = job.paint(out);
    const double second = job.paint(out);
    const std::size_t untuned = taken();
    // Each worker tunes for itself.
    const auto warming = Clock::now();
    paint_at_once(job, 40, 2);
    const double warm = milliseconds(Clock::now() - warming);
    const auto start = Clock::now();
    const std::vector<double> times = paint_at_once(job, count, at_once);
    const double took = milliseconds(Clock::now() - start);
    std::printf("frames\t%s\t%.1f\t%.3f\t%.3f\t%.1f\t%.1f\t%.0f\t%.0f\t%.0f\n",
                job.painter->info().precision.c_str(), 1000.0 * static_cast<double>(times.size()) / took,
                times[times.size() / 2], times.front(), first, second, warm,
                static_cast<double>(untuned - std::min(untuned, context)) / 1e6,
                static_cast<double>(taken() - std::min(taken(), context)) / 1e6);
}

void fidelity(char **arguments)
{
    const auto model = load_model(arguments[2]);
    const int width = std::atoi(arguments[5]);
    const int height = std::atoi(arguments[6]);
    const std::vector<std::uint8_t> bytes = picture(width, height);
    const ConstImage in{bytes.data(), width, height, width * 3L, 3};
    const Planes exact = test::paint_onednn(model->graph, compiler::Precision::f32, in);

    const AnimeTorchApi &torch = torch_module();
    AnimeTorchNetwork *network = nullptr;
    AnimeTorchError error{};
    if (!torch.open_graph(&model->graph, arguments[3], arguments[4], 16, &network, &error))
        throw_torch_error(error);
    const Planes padded = test::padded_planes(model->graph, in);
    Planes painted(3, padded.height, padded.width);
    std::size_t held = 0;
    if (!torch.run(network, padded.data.data(), painted.data.data(), padded.width, padded.height, &never,
                   &held, &error))
        throw_torch_error(error);
    torch.close(network);
    Planes cropped(3, height, width);
    for (int c = 0; c < 3; ++c)
        for (int y = 0; y < height; ++y)
            std::copy_n(painted.data.data() + painted.index(c, y, 0), width,
                        cropped.data.data() + cropped.index(c, y, 0));

    // The bytes of the same picture: the path that frames take.
    std::vector<std::uint8_t> out;
    open(arguments[2], arguments[3], arguments[4], width, height).paint(out);
    Planes as_bytes(3, height, width);
    Planes exact_bytes(3, height, width);
    for (int c = 0; c < 3; ++c)
        for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x) {
                as_bytes.at(c, y, x) = out[(static_cast<std::size_t>(y) * width + x) * 3 + c] / 127.5F - 1;
                const float value = std::clamp(exact.at(c, y, x), -1.0F, 1.0F);
                exact_bytes.at(c, y, x) = std::rint((value + 1) * 127.5F) / 127.5F - 1;
            }
    std::printf("fidelity\t%.2e\t%.1f\t%.1f\n", test::max_difference(exact, cropped),
                test::psnr(exact, cropped), std::min(100.0, test::psnr(exact_bytes, as_bytes)));
}

template <typename Function>
Function function_of(const char *path, const char *name)
{
    void *library = dlopen(path, RTLD_NOW);
    void *found = library ? dlsym(library, name) : nullptr;
    if (!found)
        throw std::runtime_error(dlerror());
    return reinterpret_cast<Function>(found);
}

void profile(char **arguments)
{
    const auto run = function_of<AnimeGpuProfile>(arguments[2], anime_gpu_profile_name);
    const auto model = load_model(arguments[3]);
    if (!run(&model->graph, std::string(arguments[4]) == "f16", std::atoi(arguments[5]),
             std::atoi(arguments[6]), std::atoi(arguments[7]) != 0))
        throw std::runtime_error("the profile failed");
}

/// What `work` ends with.
template <typename Work>
void tell(const char *when, Work work)
{
    std::string what = "done";
    try {
        work();
    } catch (const Error &error) {
        what = error.code() + ": " + error.what() + " " + error.remedy();
    }
    std::printf("limits\t%s\t%s\n", when, what.c_str());
    std::fflush(stdout); // a crash loses no line
}

void limits(char **arguments)
{
    const auto lose = function_of<AnimeGpuLose>(arguments[2], anime_gpu_lose_name);
    const auto small = [&](const char *precision) {
        return open(arguments[3], arguments[4], precision, 256, 256);
    };
    std::vector<std::uint8_t> out;
    Job job = small("auto");
    Job exact = small("f32");
    tell("too large", [&] {
        Job large = job;
        large.width = large.height = 24576;
        large.in.resize(static_cast<std::size_t>(3) * large.width * large.height, 127);
        std::vector<std::uint8_t> result;
        large.paint(result);
    });
    tell("small after that", [&] { job.paint(out); });
    tell("recorded, on both lanes", [&] { paint_at_once(job, 40, 2); });
    tell("another painter", [&] { exact.paint(out); });
    tell("LOST", [&] {
        if (const int error = lose())
            throw Error("as wanted", "CUDA's error " + std::to_string(error) + ".", "");
    });
    tell("lost: a recorded frame", [&] { job.paint(out); });
    tell("lost: the next", [&] { job.paint(out); });
    tell("lost: another painter", [&] { exact.paint(out); });
    tell("lost: a painter is opened", [&] { open("default", arguments[4], "f32", 64, 64).paint(out); });
    tell("lost: one is closed", [&] { job = {}; });
    tell("lost: the last is closed", [&] { exact = {}; });
    tell("lost: one is opened again", [&] { small("auto").paint(out); });
}

} // namespace

int main(int count, char **arguments)
{
    const std::map<std::string, std::pair<int, void (*)(char **)>> commands = {{"frames", {9, frames}},
                                                                               {"fidelity", {7, fidelity}},
                                                                               {"profile", {8, profile}},
                                                                               {"limits", {5, limits}}};
    const auto command = commands.find(count > 1 ? arguments[1] : "");
    if (command == commands.end() || count != command->second.first) {
        std::fprintf(stderr, "usage: anime-bench-gpu frames|fidelity|profile|limits ..., see its source\n");
        return 2;
    }
    try {
        command->second.second(arguments);
    } catch (const Error &error) {
        std::fprintf(stderr, "%s: %s %s\n", error.code().c_str(), error.what(), error.remedy().c_str());
        return 1;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}
