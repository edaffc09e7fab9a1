// SPDX-License-Identifier: LGPL-2.1-or-later
// anime-bench-gpu-check MODEL [WIDTH HEIGHT]: runs each step of a plan on the GPU and on the CPU from the
// same values and compares what comes out; convolutions, which are cuDNN's, on the CPU alone. One line a kind
// of step and precision; ends with 1 where one differs. Small and without libtorch, so that compute-sanitizer
// can watch it. With "cpu" as the fourth argument nothing needs a GPU, to try the program itself.
#include "models/model.h"
#include "plugins/torch/cuda/arena.h"
#include "plugins/torch/cuda/both.h"
#include "plugins/torch/cuda/plan.h"
#include "tests/plugins/torch/run_on_cpu.h"

#include <cuda_runtime_api.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <map>
#include <stdexcept>

namespace
{

using namespace anime;
using namespace anime::cuda;

void check(cudaError_t status)
{
    if (status != cudaSuccess)
        throw std::runtime_error(cudaGetErrorString(status));
}

/// What a step wrote: where, how many values, whether they are floats whatever the precision.
struct Result {
    const char *kind;
    const void *at = nullptr;
    std::size_t count = 0;
    bool floats = false;
    bool summed = false; ///< the blocks share the sum differently: only all of them together say the same
};

struct ResultsOf {
    std::vector<Result> operator()(const Read &s) const
    {
        return {{"read", s.out, std::size_t(s.rows) * s.columns * s.channels}};
    }
    std::vector<Result> operator()(const Thumbnail &s) const
    {
        return {{"thumbnail", s.out, std::size_t(3) * s.side * s.side, true}};
    }
    std::vector<Result> operator()(const SmallConv &s) const
    {
        return {{"small conv", s.out, std::size_t(s.out_height) * s.out_width * s.channels, true}};
    }
    std::vector<Result> operator()(const Mean &s) const
    {
        return {{"mean", s.out, std::size_t(s.channels), true}};
    }
    std::vector<Result> operator()(const Linear &s) const
    {
        return {{"linear", s.out, std::size_t(s.outputs), true}};
    }
    std::vector<Result> operator()(const Conv &) const { return {}; }
    std::vector<Result> operator()(const Depthwise &s) const
    {
        std::vector<Result> out{{"depthwise", s.out, std::size_t(s.height) * s.width * s.channels}};
        if (s.partials)
            out.push_back({"depthwise sums", s.partials, std::size_t(2) * s.blocks(), true, true});
        return out;
    }
    std::vector<Result> operator()(const Moments &s) const
    {
        return {{"moments", s.partials, std::size_t(2) * s.blocks, true, true}};
    }
    std::vector<Result> operator()(const Affine &s) const
    {
        return {{"affine", s.scale, std::size_t(s.padded), true},
                {"affine", s.shift, std::size_t(s.padded), true}};
    }
    std::vector<Result> operator()(const Apply &s) const
    {
        return {{"apply", s.out, std::size_t(s.rows()) * s.columns() * s.channels}};
    }
    std::vector<Result> operator()(const Write &s) const
    {
        return {{"write", s.planes, std::size_t(3) * s.height * s.width * s.factor * s.factor, true}};
    }
};

std::vector<double> values_of(const Result &result, const void *at, Precision precision)
{
    std::vector<double> out(result.count);
    const bool half = precision == Precision::f16 && !result.floats;
    for (std::size_t i = 0; i < result.count; ++i)
        out[i] = half ? to_float(static_cast<const Half *>(at)[i]) : static_cast<const float *>(at)[i];
    if (!result.summed)
        return out;
    std::vector<double> sums(2);
    for (std::size_t i = 0; i < out.size(); ++i)
        sums[i % 2] += out[i];
    return sums;
}

/// ‖a − b‖ ÷ ‖b‖.
double distance(const std::vector<double> &a, const std::vector<double> &b)
{
    double difference = 0;
    double norm = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        difference += (a[i] - b[i]) * (a[i] - b[i]);
        norm += b[i] * b[i];
    }
    return std::sqrt(difference / std::max(norm, 1e-30));
}

class Checker
{
public:
    Checker(const Graph &graph, Precision precision, int width, int height, bool gpu)
        : precision_(precision), gpu_(gpu), packing_(precision)
    {
        const Plan plan = make_plan(graph, {width, height, 3, true}, packing_, 132);
        const std::size_t pixels = std::size_t(plan.network_width) * plan.network_height;
        // One piece of memory holds all: weights, picture in, picture out, planes out, arena.
        const auto place = [this](std::size_t bytes) {
            const std::size_t at = host_.size();
            host_.resize(at + (bytes + 511) / 512 * 512);
            return at;
        };
        const std::size_t weights = place(packing_.bytes().size());
        const std::size_t in = place(pixels * 12);
        const std::size_t out = place(pixels * 3);
        const std::size_t planes = place(pixels * 12);
        const std::size_t arena = place(plan.arena_bytes);
        std::memset(host_.data(), 0xFF, host_.size()); // what nothing writes is not a number
        std::memcpy(host_.data() + weights, packing_.bytes().data(), packing_.bytes().size());
        for (std::size_t i = 0; i < 3 * pixels; ++i) {
            const float value =
                static_cast<float>(std::sin(0.011 * double(i)) * std::cos(0.0037 * double(i % 977)));
            std::memcpy(host_.data() + in + i * 4, &value, 4);
        }
        if (gpu_)
            check(cudaMalloc(reinterpret_cast<void **>(&device_), host_.size()));
        else
            device_ = (twin_ = host_).data();
        const auto bound = [&](std::byte *base) {
            return plan.bind({base + arena, base + weights, base + in,
                              reinterpret_cast<std::uint8_t *>(base + out),
                              reinterpret_cast<float *>(base + planes)});
        };
        on_cpu_ = bound(host_.data());
        on_gpu_ = bound(device_);
    }

    ~Checker()
    {
        if (gpu_)
            cudaFree(device_);
    }
    Checker(const Checker &) = delete;
    Checker &operator=(const Checker &) = delete;

    bool run()
    {
        for (std::size_t n = 0; n < on_cpu_.size(); ++n)
            run_step(n);
        bool good = true;
        for (const auto &[kind, worst] : worst_) {
            const double bar = precision_ == Precision::f16 ? 1e-3 : 1e-5;
            const bool met = worst.distance <= bar;
            std::printf("%s\t%s\t%d\t%.1e\t%s\n", precision_ == Precision::f16 ? "f16" : "f32", kind.c_str(),
                        worst.steps, worst.distance, met ? "equal" : "DIFFERENT");
            good = good && met;
        }
        return good;
    }

private:
    void run_step(std::size_t n)
    {
        const std::vector<Result> cpu = std::visit(ResultsOf(), on_cpu_[n]);
        const std::vector<Result> gpu = std::visit(ResultsOf(), on_gpu_[n]);
        if (!cpu.empty() && gpu_) {
            check(cudaMemcpy(device_, host_.data(), host_.size(), cudaMemcpyHostToDevice));
            check(static_cast<cudaError_t>(launch(on_gpu_[n], precision_, nullptr)));
            check(cudaDeviceSynchronize());
        } else if (!cpu.empty()) {
            std::memcpy(device_, host_.data(), host_.size());
            test::run_step_on_cpu(on_gpu_[n], precision_);
        }
        test::run_step_on_cpu(on_cpu_[n], precision_);
        for (std::size_t i = 0; i < cpu.size(); ++i) {
            const std::size_t offset = static_cast<const std::byte *>(cpu[i].at) - host_.data();
            const std::size_t size = cpu[i].count * (precision_ == Precision::f16 && !cpu[i].floats ? 2 : 4);
            std::vector<std::byte> back(size);
            if (gpu_)
                check(cudaMemcpy(back.data(), device_ + offset, size, cudaMemcpyDeviceToHost));
            else
                std::memcpy(back.data(), device_ + offset, size);
            const double d = distance(values_of(cpu[i], back.data(), precision_),
                                      values_of(cpu[i], cpu[i].at, precision_));
            Worst &worst = worst_[cpu[i].kind];
            ++worst.steps;
            worst.distance = d > worst.distance || std::isnan(d) ? d : worst.distance;
        }
    }

    struct Worst {
        int steps = 0;
        double distance = 0;
    };

    Precision precision_;
    bool gpu_;
    Packing packing_;
    std::vector<std::byte> host_;
    std::vector<std::byte> twin_; ///< the GPU's memory where there is none
    std::byte *device_ = nullptr;
    std::vector<Step> on_cpu_;
    std::vector<Step> on_gpu_;
    std::map<std::string, Worst> worst_;
};

} // namespace

int main(int count, char **arguments)
{
    if (count < 2) {
        std::fprintf(stderr, "usage: anime-bench-gpu-check MODEL [WIDTH HEIGHT [cpu]]\n");
        return 2;
    }
    try {
        const auto model = load_model(arguments[1]);
        const int width = count > 3 ? std::atoi(arguments[2]) : 72;
        const int height = count > 3 ? std::atoi(arguments[3]) : 44;
        const bool gpu = count < 5 || std::strcmp(arguments[4], "cpu") != 0;
        bool good = true;
        for (Precision precision : {Precision::f32, Precision::f16})
            good = Checker(model->graph, precision, width, height, gpu).run() && good;
        return good ? 0 : 1;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
