// SPDX-License-Identifier: LGPL-2.1-or-later
// One loop a kind of step.
#include "tests/plugins/torch/run_on_cpu.h"

#include "plugins/torch/cuda/arithmetic.h"

#include <algorithm>
#include <numeric>

namespace anime::test
{

using namespace cuda;

namespace
{

/// So many threads share a sum: enough to see that every one of them adds its part.
constexpr int threads = 7;

template <typename T>
struct OnCpu {
    void operator()(const Read &s) const
    {
        for (int row = 0; row < s.rows; ++row)
            for (int column = 0; column < s.columns; ++column)
                run_item<T>(s, column, row);
    }

    void operator()(const Thumbnail &s) const
    {
        for (int cell = 0; cell < s.side * s.side; ++cell) {
            float sums[3] = {0, 0, 0};
            int pixels = 0;
            for (int lane = 0; lane < threads; ++lane)
                pixels = thumbnail_sums(s, cell, lane, threads, sums);
            for (int c = 0; c < 3; ++c)
                s.out[cell * 3 + c] = sums[c] / static_cast<float>(pixels);
        }
    }

    void operator()(const SmallConv &s) const { items(s, s.out_height * s.out_width * s.channels); }
    void operator()(const Mean &s) const { items(s, s.channels); }
    void operator()(const Linear &s) const { items(s, s.outputs); }

    void operator()(const Conv &s) const
    {
        const std::size_t kernel = std::size_t(s.kernel_height) * s.kernel_width * s.in_channels;
        const std::vector<float> in = widened(s.in, std::size_t(s.rows) * s.columns * s.in_channels);
        const std::vector<float> weights = widened(s.weights, kernel * s.channels);
        const std::size_t row =
            std::size_t(s.kernel_width) * s.in_channels; // of a kernel: together in memory
        auto *out = static_cast<T *>(s.out);
        for (int y = 0; y < s.out_rows; ++y)
            for (int x = 0; x < s.out_columns; ++x)
                for (int o = 0; o < s.channels; ++o) {
                    double sum = 0;
                    for (int v = 0; v < s.kernel_height; ++v) {
                        const float *from =
                            &in[(std::size_t(y * s.stride + v) * s.columns + x * s.stride) * s.in_channels];
                        sum += std::inner_product(from, from + row, &weights[o * kernel + v * row], 0.0F);
                    }
                    from_float(static_cast<float>(sum), *out++);
                }
    }

    void operator()(const Depthwise &s) const
    {
        for (int block = 0; block < s.blocks(); ++block) {
            float sum = 0;
            float squares = 0;
            for (long item = long(block) * Depthwise::threads;
                 item < std::min(s.items(), (block + 1L) * Depthwise::threads); ++item)
                run_item<T>(s, item, sum, squares);
            if (s.partials) {
                s.partials[2 * block] = sum;
                s.partials[2 * block + 1] = squares;
            }
        }
    }

    void operator()(const Moments &s) const
    {
        for (int block = 0; block < s.blocks; ++block) {
            float sum = 0;
            float squares = 0;
            for (int thread = 0; thread < threads; ++thread)
                moments_sums<T>(s, block * threads + thread, long(s.blocks) * threads, sum, squares);
            s.partials[2 * block] = sum;
            s.partials[2 * block + 1] = squares;
        }
    }

    void operator()(const Affine &s) const
    {
        double sum = 0;
        double squares = 0;
        for (int thread = 0; s.partials && thread < threads; ++thread)
            affine_sums(s, thread, threads, sum, squares);
        for (int channel = 0; channel < s.padded; ++channel)
            run_item(s, sum, squares, channel);
    }

    void operator()(const Apply &s) const
    {
        for (int row = 0; row < s.rows(); ++row)
            for (int column = 0; column < s.columns(); ++column)
                for (int channel = 0; channel < s.channels; channel += group)
                    run_item<T>(s, column, row, channel);
    }

    void operator()(const Write &s) const
    {
        for (int y = 0; y < s.height; ++y)
            for (int x = 0; x < s.width; ++x)
                run_item<T>(s, x, y);
    }

private:
    static std::vector<float> widened(const void *values, std::size_t count)
    {
        const auto *from = static_cast<const T *>(values);
        std::vector<float> out(count);
        std::transform(from, from + count, out.begin(), [](T value) { return to_float(value); });
        return out;
    }

    template <typename S>
    void items(const S &s, int count) const
    {
        for (int item = 0; item < count; ++item)
            run_item(s, item);
    }
};

Painted run(const Graph &graph, Precision precision, const void *in, const PictureSize &size)
{
    Packing packing(precision);
    const Plan plan = make_plan(graph, size, packing, 3);
    // What nothing writes is not a number, in either precision.
    std::vector<std::byte> arena(plan.arena_bytes, std::byte{0xFF});
    Painted out;
    out.bytes.resize(std::size_t(size.width) * size.height * 3);
    if (size.floats)
        out.planes = Planes(3, plan.network_height, plan.network_width);
    const Bases bases{arena.data(), packing.bytes().data(), in, out.bytes.data(), out.planes.data.data()};
    for (const Step &step : plan.bind(bases))
        run_step_on_cpu(step, precision);
    return out;
}

} // namespace

Painted run_plan(const Graph &graph, Precision precision, const Planes &planes)
{
    return run(graph, precision, planes.data.data(), {planes.width, planes.height, 3, true});
}

Painted run_plan(const Graph &graph, Precision precision, const std::vector<std::uint8_t> &bytes,
                 const PictureSize &size)
{
    return run(graph, precision, bytes.data(), size);
}

void run_step_on_cpu(const Step &step, Precision precision)
{
    if (precision == Precision::f16)
        std::visit(OnCpu<Half>(), step);
    else
        std::visit(OnCpu<float>(), step);
}

} // namespace anime::test
