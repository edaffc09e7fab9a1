// SPDX-License-Identifier: LGPL-2.1-or-later
// anime-bench-layers MODEL PRECISION WIDTH HEIGHT THREADS: the time of each stage of a plan, beside the floor
// of the convolutions: oneDNN's bare convolution of the same shape and types, of the whole picture at once,
// with nothing fused and no border to fill. One line a stage, tabs between: milliseconds, floor
// (convolutions), GMAC, name, what it does.
#include "models/error.h"
#include "models/executors/onednn/dnnl_version.h"
#include "models/executors/onednn/kernels/isa.h"
#include "models/executors/onednn/plan.h"
#include "models/executors/onednn/precision.h"
#include "models/model.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <limits>

namespace
{

using namespace anime;
using namespace anime::onednn;
using dnnl::memory;

/// The best of them counts: others on the machine can only add to it.
constexpr int rounds = 5;

double milliseconds_since(std::chrono::steady_clock::time_point start)
{
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

memory::data_type data_type(Type type)
{
    return type == Type::f32    ? memory::data_type::f32
           : type == Type::bf16 ? memory::data_type::bf16
                                : memory::data_type::u8;
}

double bare_milliseconds(const ConvSpec &spec, const Tensor &in, const Tensor &out)
{
    const memory::dim groups = spec.groups;
    const memory::dim stride = spec.stride;
    const memory::dims weight_dims =
        groups == 1 ? memory::dims{spec.channels, in.channels, spec.kernel_height, spec.kernel_width}
                    : memory::dims{groups, spec.channels / groups, in.channels / groups, spec.kernel_height,
                                   spec.kernel_width};
    // Without AVX-512 only our own kernels know bf16; oneDNN would take its reference, or has none.
    const auto known = [](Type type) { return type == Type::bf16 && !isa().avx512 ? Type::f32 : type; };
    const memory::desc from({1, in.channels, (out.height - 1) * stride + spec.kernel_height,
                             (out.width - 1) * stride + spec.kernel_width},
                            data_type(known(in.type)), memory::format_tag::nhwc);
    const memory::desc to({1, spec.channels, out.height, out.width}, data_type(known(out.type)),
                          memory::format_tag::nhwc);
    const memory::desc weights(weight_dims,
                               in.type == Type::u8 ? memory::data_type::s8 : data_type(known(in.type)),
                               memory::format_tag::any);
    const auto chosen = describe_convolution({.in = from,
                                              .weights = weights,
                                              .bias = {},
                                              .out = to,
                                              .strides = {stride, stride},
                                              .pad_begin = {0, 0},
                                              .pad_end = {0, 0}},
                                             {});
    const auto cleared = [](const memory::desc &desc) {
        memory out(desc, cpu());
        std::fill_n(static_cast<char *>(out.get_data_handle()), desc.get_size(), 0);
        return out;
    };
    const dnnl::convolution_forward conv(chosen);
    const std::unordered_map<int, memory> arguments = {{DNNL_ARG_SRC, cleared(from)},
                                                       {DNNL_ARG_WEIGHTS, cleared(chosen.weights_desc())},
                                                       {DNNL_ARG_DST, cleared(to)}};
    dnnl::stream stream(cpu());
    double best = std::numeric_limits<double>::max();
    for (int i = 0; i <= rounds; ++i) {
        const auto start = std::chrono::steady_clock::now();
        conv.execute(stream, arguments);
        stream.wait();
        if (i > 0)
            best = std::min(best, milliseconds_since(start));
    }
    return best;
}

void measure(char **arguments)
{
    const auto model = load_model(arguments[1]);
    const Precision precision = choose_precision(*model, arguments[2]);
    const int width = std::atoi(arguments[3]);
    const int height = std::atoi(arguments[4]);
    omp_set_num_threads(std::atoi(arguments[5]));
    std::vector<std::uint8_t> in(static_cast<std::size_t>(width) * height * 3);
    std::vector<std::uint8_t> out(in.size());
    for (std::size_t i = 0; i < in.size(); ++i)
        in[i] = static_cast<std::uint8_t>(i * 2654435761U >> 24);
    const ConstImage picture{in.data(), width, height, width * 3L, 3};
    const Image painted{out.data(), width, height, width * 3L, 3};

    WeightCache cache;
    Plan plan(model->graph, precision, width, height, cache, omp_get_max_threads());
    auto best = plan.profile(picture, painted);
    for (int i = 0; i < rounds; ++i) {
        const auto costs = plan.profile(picture, painted);
        for (std::size_t s = 0; s < costs.size(); ++s)
            best[s].milliseconds = std::min(best[s].milliseconds, costs[s].milliseconds);
    }
    for (std::size_t s = 0; s < best.size(); ++s) {
        const Stage &stage = *plan.stages()[s];
        const auto convs = stage.convolutions();
        std::printf("%.3f\t", best[s].milliseconds);
        double bare = 0;
        for (std::size_t i = 0; i < convs.size(); ++i)
            bare += bare_milliseconds(convs[i], *stage.inputs[0], *stage.outputs[i]);
        if (convs.empty())
            std::printf("-\t-\t");
        else
            std::printf("%.3f\t%.3f\t", bare, best[s].gmac);
        std::printf("%s\t%s\n", best[s].name.c_str(), best[s].what.c_str());
        std::fflush(stdout);
    }
}

} // namespace

int main(int count, char **arguments)
{
    if (count != 6) {
        std::fprintf(stderr, "usage: anime-bench-layers MODEL f32|bf16|int8 WIDTH HEIGHT THREADS\n");
        return 2;
    }
    try {
        measure(arguments);
    } catch (const Error &error) {
        std::fprintf(stderr, "%s %s\n", error.what(), error.remedy().c_str());
        return 1;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}
