// SPDX-License-Identifier: LGPL-2.1-or-later
// Times the steps of a plan on a GPU, each alone and all of them as one CUDA graph; or breaks the process's
// context on it. A shared object that anime-bench-gpu loads, because it needs libtorch.
#include "tests/bench/gpu_profile.h"
#include "models/error.h"
#include "plugins/torch/cuda/arena.h"
#include "plugins/torch/cuda/plan.h"
#include "plugins/torch/cuda/run_step.h"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/core/InferenceMode.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>
#include <torch/types.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <memory>

namespace
{

using namespace anime::cuda;

constexpr int rounds = 20;

/// Milliseconds between two moments on a stream.
class Timer
{
public:
    Timer()
    {
        check(cudaEventCreate(&from_));
        check(cudaEventCreate(&to_));
    }
    ~Timer()
    {
        cudaEventDestroy(from_);
        cudaEventDestroy(to_);
    }
    Timer(const Timer &) = delete;
    Timer &operator=(const Timer &) = delete;

    template <typename Work>
    double operator()(cudaStream_t stream, Work work)
    {
        check(cudaEventRecord(from_, stream));
        work();
        check(cudaEventRecord(to_, stream));
        check(cudaEventSynchronize(to_));
        float milliseconds = 0;
        check(cudaEventElapsedTime(&milliseconds, from_, to_));
        return milliseconds;
    }

private:
    cudaEvent_t from_ = nullptr;
    cudaEvent_t to_ = nullptr;
};

double median(std::vector<double> values)
{
    std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
    return values[values.size() / 2];
}

struct Described {
    std::string name;
    double gmac = 0;
    double megabytes = 0; ///< read and written once
};

Described describe(const Step &step, double element)
{
    char text[160];
    Described out;
    std::visit(
        [&](const auto &s) {
            using S = std::decay_t<decltype(s)>;
            if constexpr (std::is_same_v<S, Conv>) {
                const double taps = double(s.kernel_height) * s.kernel_width * s.in_channels;
                out.gmac = taps * s.channels * s.out_rows * s.out_columns / 1e9;
                out.megabytes = (double(s.rows) * s.columns * s.in_channels +
                                 double(s.out_rows) * s.out_columns * s.channels) *
                                element / 1e6;
                std::snprintf(text, sizeof text, "conv %s %dx%d/%d %dx%dx%d to %d", s.node->name.c_str(),
                              s.kernel_height, s.kernel_width, s.stride, s.rows, s.columns, s.in_channels,
                              s.channels);
            } else if constexpr (std::is_same_v<S, Depthwise>) {
                out.megabytes = 2.0 * s.height * s.width * s.channels * element / 1e6;
                std::snprintf(text, sizeof text, "depthwise %dx%dx%d", s.height, s.width, s.channels);
            } else if constexpr (std::is_same_v<S, Moments>) {
                out.megabytes = double(s.groups) * 8 * element / 1e6;
                std::snprintf(text, sizeof text, "moments %.1f M values", double(s.groups) * 8 / 1e6);
            } else if constexpr (std::is_same_v<S, Apply>) {
                const double pixels = double(s.height) * s.width;
                const double sources = (s.from == Apply::From::upsample ? 0.25 : 1.0) + (s.residual ? 1 : 0);
                out.megabytes =
                    (pixels * sources + double(s.rows()) * s.columns()) * s.channels * element / 1e6;
                std::snprintf(text, sizeof text, "apply %s%dx%dx%d%s",
                              s.from == Apply::From::value    ? ""
                              : s.from == Apply::From::phases ? "phases "
                                                              : "upsample ",
                              s.height, s.width, s.channels, s.residual ? " residual" : "");
            } else if constexpr (std::is_same_v<S, Write>) {
                out.megabytes = (double(s.height) * s.width * s.channels * element +
                                 3.0 * s.height * s.width * s.factor * s.factor) /
                                1e6;
                std::snprintf(text, sizeof text, "write");
            } else if constexpr (std::is_same_v<S, Read>) {
                out.megabytes =
                    (double(s.rows) * s.columns * s.channels * element + 3.0 * s.rows * s.columns) / 1e6;
                std::snprintf(text, sizeof text, "read");
            } else if constexpr (std::is_same_v<S, Affine>) {
                std::snprintf(text, sizeof text, "affine");
            } else if constexpr (std::is_same_v<S, Thumbnail>) {
                std::snprintf(text, sizeof text, "thumbnail");
            } else {
                std::snprintf(text, sizeof text, "global");
            }
        },
        step);
    out.name = text;
    return out;
}

void profile(const anime::Graph &graph, bool half, int width, int height, bool tuned)
{
    const c10::InferenceMode inference;
    const Precision precision = half ? Precision::f16 : Precision::f32;
    const c10::cuda::CUDAStream stream = c10::cuda::getStreamFromPool(false, 0);
    const c10::cuda::CUDAStreamGuard guard(stream);
    Packing packing(precision);
    const Plan plan = make_plan(graph, {width, height, 3, false}, packing, 132);
    const auto bytes = torch::TensorOptions().dtype(torch::kByte);
    auto *packed = const_cast<std::byte *>(packing.bytes().data());
    const torch::Tensor weights =
        torch::from_blob(packed, {static_cast<std::int64_t>(packing.bytes().size())}, bytes).to(torch::kCUDA);
    const std::int64_t pixels = std::int64_t{1} * width * height;
    // Never zeros: they compute faster than pictures.
    const torch::Tensor in = torch::randint(0, 256, {pixels * 3}, bytes.device(torch::kCUDA));
    const torch::Tensor out = torch::empty({pixels * 3}, bytes.device(torch::kCUDA));
    const torch::Tensor arena =
        torch::empty({static_cast<std::int64_t>(plan.arena_bytes)}, bytes.device(torch::kCUDA));
    const std::vector<Step> steps = plan.bind(
        {static_cast<std::byte *>(arena.data_ptr()), static_cast<const std::byte *>(weights.data_ptr()),
         in.data_ptr(), static_cast<std::uint8_t *>(out.data_ptr()), nullptr});
    const auto all = [&] {
        for (const Step &step : steps)
            run_step(step, precision, stream, tuned);
    };
    all();
    all();
    check(cudaStreamSynchronize(stream.stream()));

    Timer timer;
    std::vector<std::vector<double>> times(steps.size());
    for (int round = 0; round < rounds; ++round)
        for (std::size_t n = 0; n < steps.size(); ++n)
            times[n].push_back(timer(stream.stream(), [&] { run_step(steps[n], precision, stream, tuned); }));
    for (std::size_t n = 0; n < steps.size(); ++n) {
        const Described what = describe(steps[n], half ? 2 : 4);
        const double ms = median(times[n]);
        std::printf("step\t%s\t%.4f\t%.0f\t%.0f\n", what.name.c_str(), ms, what.megabytes / ms,
                    2 * what.gmac / ms);
    }

    at::cuda::CUDAGraph recorded;
    recorded.capture_begin();
    all();
    recorded.capture_end();
    std::vector<double> frames;
    for (int round = 0; round < 3 * rounds; ++round)
        frames.push_back(timer(stream.stream(), [&] { recorded.replay(); }));
    std::vector<double> started;
    for (int round = 0; round < rounds; ++round)
        started.push_back(timer(stream.stream(), all));
    std::printf("frame\t%.4f\t%.4f\t%.4f\t%zu\t%zu\n", median(frames),
                *std::min_element(frames.begin(), frames.end()), median(started), plan.arena_bytes,
                packing.bytes().size());
    std::fflush(stdout);
}

} // namespace

extern "C" __attribute__((visibility("default"))) bool anime_gpu_profile(const anime::Graph *graph, bool half,
                                                                         int width, int height, bool tuned)
{
    try {
        profile(*graph, half, width, height, tuned);
        return true;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return false;
    }
}

extern "C" __attribute__((visibility("default"))) int anime_gpu_lose()
{
    Moments step;
    step.source = reinterpret_cast<const void *>(std::uintptr_t{1} << 12);
    step.groups = 1 << 20;
    step.channels = 64;
    step.blocks = 8;
    launch(step, Precision::f16, nullptr);
    return cudaDeviceSynchronize();
}
