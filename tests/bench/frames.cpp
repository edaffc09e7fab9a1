// SPDX-License-Identifier: LGPL-2.1-or-later
// anime-bench-frames MODEL EXECUTOR PRECISION THREADS WIDTH HEIGHT: paints a frame for each line that it
// reads, so that a script can alternate between executors, each in a process of its own. Writes "ready", ISA,
// precision and architecture; for each frame its milliseconds and what it allocated (count, bytes, largest);
// at the end "peak" and the most memory that the process ever had resident, in kB.
#include "models/error.h"
#include "models/painter.h"
#include "tests/models/allocations.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

namespace
{

/// Detail at every scale, the same on every run.
std::vector<std::uint8_t> picture(int width, int height)
{
    std::vector<std::uint8_t> out(static_cast<std::size_t>(width) * height * 3);
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (int c = 0; c < 3; ++c)
                out[(static_cast<std::size_t>(y) * width + x) * 3 + c] =
                    static_cast<std::uint8_t>((x * (c + 2) / 5 + (x ^ y) / (c + 1) + y / 3) & 255);
    return out;
}

long peak_kilobytes()
{
    long peak = 0;
    char line[256];
    std::FILE *status = std::fopen("/proc/self/status", "r");
    while (status && std::fgets(line, sizeof line, status))
        if (std::strncmp(line, "VmHWM:", 6) == 0)
            peak = std::atol(line + 6);
    if (status)
        std::fclose(status);
    return peak;
}

void serve(char **arguments)
{
    using namespace anime;
    const int width = std::atoi(arguments[5]);
    const int height = std::atoi(arguments[6]);
    PaintSettings settings;
    settings.model = arguments[1];
    settings.executor = arguments[2];
    settings.device = "cpu";
    settings.precision = arguments[3];
    settings.threads = static_cast<unsigned>(std::atoi(arguments[4]));
    const auto painter = open_painter(settings);
    const std::vector<std::uint8_t> in = picture(width, height);
    std::vector<std::uint8_t> out(in.size());
    const std::ptrdiff_t stride = static_cast<std::ptrdiff_t>(width) * 3;
    const std::atomic<bool> cancel = false;
    const PainterInfo &info = painter->info();
    std::printf("ready %s %s %s\n", info.isa.empty() ? "-" : info.isa.c_str(), info.precision.c_str(),
                info.architecture.c_str());
    std::fflush(stdout);

    char line[16];
    while (std::fgets(line, sizeof line, stdin)) {
        test::take_allocations();
        const auto start = std::chrono::steady_clock::now();
        painter->paint({in.data(), width, height, stride, 3}, {out.data(), width, height, stride, 3}, cancel);
        const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
        const test::Allocations allocated = test::take_allocations();
        std::printf("%.3f %zu %zu %zu\n", took.count(), allocated.count, allocated.bytes, allocated.largest);
        std::fflush(stdout);
    }
    std::printf("peak %ld\n", peak_kilobytes());
}

} // namespace

int main(int count, char **arguments)
{
    if (count != 7) {
        std::fprintf(stderr, "usage: anime-bench-frames MODEL EXECUTOR PRECISION THREADS WIDTH HEIGHT\n");
        return 2;
    }
    try {
        serve(arguments);
    } catch (const anime::Error &error) {
        std::fprintf(stderr, "%s %s\n", error.what(), error.remedy().c_str());
        return 1;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}
