// SPDX-License-Identifier: LGPL-2.1-or-later
// anime-bench-engine MODEL [PRECISION [WIDTH HEIGHT]]: the time of each stage of a plan, and how far its
// convolutions are from the rate that the fastest of them reaches.
#include "models/executors/onednn/isa.h"
#include "models/executors/onednn/plan.h"
#include "models/model.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

int main(int count, char **arguments)
{
    using namespace anime;
    using namespace anime::onednn;
    if (count < 2) {
        std::fprintf(stderr, "usage: anime-bench-engine MODEL [f32|bf16|int8 [WIDTH HEIGHT]]\n");
        return 2;
    }
    const std::string wanted = count > 2 ? arguments[2] : "f32";
    const Precision precision = wanted == "int8"   ? Precision::int8
                                : wanted == "bf16" ? Precision::bf16
                                                   : Precision::f32;
    const int width = count > 4 ? std::atoi(arguments[3]) : 512;
    const int height = count > 4 ? std::atoi(arguments[4]) : 512;
    try {
        const auto model = load_model(arguments[1]);
        std::vector<std::uint8_t> in(static_cast<std::size_t>(width) * height * 3);
        std::vector<std::uint8_t> out(in.size());
        for (std::size_t i = 0; i < in.size(); ++i)
            in[i] = static_cast<std::uint8_t>(i * 2654435761U >> 24);
        const ConstImage picture{in.data(), width, height, width * 3L, 3};
        const Image painted{out.data(), width, height, width * 3L, 3};
        const std::atomic<bool> cancel = false;

        using Clock = std::chrono::steady_clock;
        const auto milliseconds = [](Clock::time_point since) {
            return std::chrono::duration<double, std::milli>(Clock::now() - since).count();
        };
        WeightCache cache;
        auto start = Clock::now();
        Plan plan(model->graph, precision, width, height, cache);
        const double built = milliseconds(start);
        double best = 1e30;
        for (int i = 0; i < 7; ++i) {
            start = Clock::now();
            plan.paint(picture, painted, cancel);
            best = std::min(best, milliseconds(start));
        }
        const auto costs = plan.profile(picture, painted);
        double rate = 0;
        double gmac = 0;
        for (const Plan::Cost &cost : costs) {
            gmac += cost.gmac;
            if (cost.gmac > 0.1)
                rate = std::max(rate, cost.gmac / cost.milliseconds);
        }
        std::printf("%s %s %dx%d on %s: best of 7 %.1f ms, built in %.0f ms, %.1f GMAC, floor %.1f ms, "
                    "buffers %.1f MB, weights %.1f MB\n",
                    model->name.c_str(), wanted.c_str(), width, height, isa().name.c_str(), best, built, gmac,
                    gmac / rate, plan.memory_bytes() / 1e6, cache.bytes() / 1e6);
        for (const Plan::Cost &cost : costs) {
            std::printf("%8.2f ms ", cost.milliseconds);
            if (cost.gmac > 0)
                std::printf("%6.1f GMAC/s %3.0f %% of floor", cost.gmac / cost.milliseconds * 1e3,
                            100 * cost.gmac / rate / cost.milliseconds);
            else
                std::printf("%28s", "");
            std::printf("  %-26s %s\n", cost.name.c_str(), cost.what.c_str());
        }
    } catch (const std::exception &error) {
        std::fprintf(stderr, "anime-bench-engine: %s\n", error.what());
        return 1;
    }
    return 0;
}
