// SPDX-License-Identifier: LGPL-2.1-or-later
// Convolutions of bytes are exact: the sum of products, whatever the input and however the CPU adds.
#include "models/compiler/fold.h"
#include "models/executors/onednn/kernels/isa.h"
#include "models/executors/onednn/precision.h"
#include "models/executors/onednn/stages/conv_stage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <random>

namespace anime::onednn
{
namespace
{

/// Weight of output o, input c, tap t, before it is rounded.
using Weights = std::function<float(int o, int c, int t)>;
/// Byte of pixel p, channel c.
using Bytes = std::function<int(int p, int c)>;

std::mt19937 &random_engine()
{
    static std::mt19937 engine(11);
    return engine;
}

struct Shape {
    int taps;
    int stride;
    int in;
    int out;
};

/// One convolution of a small picture, by oneDNN and by definition.
class Convolution
{
public:
    static constexpr int side = 9;
    static constexpr double float_digits = 0x1p-22;

    Convolution(const Shape &shape, const Weights &weight, const Bytes &byte, bool paired)
        : shape_(shape), rows_((side - shape.taps) / shape.stride + 1)
    {
        spec_.name = spec_.node = "conv";
        spec_.channels = shape.out;
        spec_.kernel_height = spec_.kernel_width = shape.taps;
        spec_.stride = shape.stride;
        spec_.paired = paired;
        for (int o = 0; o < shape.out; ++o)
            for (int c = 0; c < shape.in; ++c)
                for (int t = 0; t < shape.taps * shape.taps; ++t)
                    spec_.weights.push_back(weight(o, c, t));
        fill(in_, Type::u8, shape.in, side, in_memory_);
        in_.quant = std::make_shared<Quant>(
            Quant{std::vector<float>(shape.in, 1.0F), std::vector<float>(shape.in, 0.0F)});
        for (int p = 0; p < side * side; ++p)
            for (int c = 0; c < shape.in; ++c)
                in_memory_[static_cast<std::size_t>(p) * shape.in + c] = std::byte(byte(p, c));
        fill(out_, Type::f32, shape.out, rows_, out_memory_);
    }

    Folded folded() const
    {
        return fold({spec_.channels, 1, shape_.taps * shape_.taps, spec_.weights, spec_.bias, spec_.mean,
                     spec_.paired},
                    *in_.quant);
    }

    /// The largest difference, in units of the accumulators, beyond what a float can hold of them.
    double error()
    {
        WeightCache cache;
        ConvStage stage(spec_, in_, out_, cache);
        stage.prepare(rows_);
        std::vector<std::byte> scratch(stage.scratch_bytes() + 64);
        stage.scratch = scratch.data();
        stage.begin();
        stage.run({0, rows_});
        const Folded exact = folded();
        double worst = 0;
        for (int y = 0; y < rows_; ++y)
            for (int x = 0; x < rows_; ++x)
                for (int o = 0; o < shape_.out; ++o) {
                    const float got =
                        reinterpret_cast<const float *>(out_.row(y))[x * shape_.out + o] / exact.scales[o];
                    const double wanted = sum(exact, y, x, o);
                    worst = std::max(worst, std::fabs(got - wanted) - std::fabs(wanted) * float_digits);
                }
        return worst;
    }

private:
    static void fill(Tensor &tensor, Type type, int channels, int size, std::vector<std::byte> &memory)
    {
        tensor.type = type;
        tensor.channels = channels;
        tensor.height = tensor.width = tensor.window = size;
        memory.resize(tensor.row_bytes() * size);
        tensor.data = memory.data();
    }

    double sum(const Folded &exact, int y, int x, int o) const
    {
        double total = exact.bias.empty() ? 0 : exact.bias[o];
        const int taps = shape_.taps;
        for (int c = 0; c < shape_.in; ++c)
            for (int t = 0; t < taps * taps; ++t) {
                const int pixel = (y * shape_.stride + t / taps) * side + x * shape_.stride + t % taps;
                total += exact.weights[(static_cast<std::size_t>(o) * shape_.in + c) * taps * taps + t] *
                         std::to_integer<int>(in_memory_[static_cast<std::size_t>(pixel) * shape_.in + c]);
            }
        return total;
    }

    Shape shape_;
    int rows_;
    ConvSpec spec_;
    Tensor in_;
    Tensor out_;
    std::vector<std::byte> in_memory_;
    std::vector<std::byte> out_memory_;
};

const std::pair<const char *, Weights> weights[] = {
    {"all the largest", [](int, int, int) { return 1.0F; }},
    {"all the smallest", [](int, int, int) { return -1.0F; }},
    {"signs alternate", [](int, int c, int) { return c % 2 ? 1.0F : -1.0F; }},
    {"signs alternate by pairs", [](int, int c, int) { return c / 2 % 2 ? 1.0F : -1.0F; }},
    {"one pair", [](int o, int c, int t) { return t == 0 && c / 2 == o % 4 ? 1.0F : 0.001F; }},
    {"two in a quad", [](int o, int c, int t) { return t == 0 && c % 4 % 3 == 0 ? 1.0F : 0.1F * o; }},
    {"random", [](int, int, int) { return std::normal_distribution<float>(0, 1)(random_engine()); }},
};

const std::pair<const char *, Bytes> bytes[] = {
    {"white", [](int, int) { return 255; }},
    {"black", [](int, int) { return 0; }},
    {"a channel out of two", [](int, int c) { return c % 2 ? 255 : 0; }},
    {"checks", [](int p, int) { return p % 2 ? 255 : 0; }},
    {"random", [](int, int) { return std::uniform_int_distribution<int>(0, 255)(random_engine()); }},
};

constexpr Shape shapes[] = {{3, 1, 12, 32}, {3, 2, 32, 48}, {3, 1, 48, 48},
                            {1, 1, 48, 32}, {3, 1, 32, 12}, {7, 1, 64, 32}};

TEST(Bytes, NoInputAndNoWeightsOverflow)
{
    const auto precision = bytes_precision();
    if (!precision)
        GTEST_SKIP() << isa().name << " has no int8";
    for (const Shape &shape : shapes)
        for (const auto &[weights_name, weight] : weights)
            for (const auto &[bytes_name, byte] : bytes)
                EXPECT_LE(Convolution(shape, weight, byte, *precision == Precision::int8_paired).error(), 1)
                    << shape.taps << "x" << shape.taps << ", " << shape.in << " to " << shape.out << ", "
                    << weights_name << ", " << bytes_name;
}

// What the test above would say if weights of eight bits were left as they are.
TEST(Bytes, WithoutVnniPlainWeightsDoOverflow)
{
    if (bytes_precision() != Precision::int8_paired)
        GTEST_SKIP() << isa().name << " does not add in 16 bits";
    EXPECT_GT(Convolution(shapes[2], weights[0].second, bytes[0].second, false).error(), 10000);
}

// Of the weights alone, so that it holds for CPUs that are not at hand.
TEST(Bytes, TwoWeightsOfFourNeighboursStayWithinTheirSum)
{
    for (const Shape &shape : shapes)
        for (const auto &[name, weight] : weights) {
            const Folded folded = Convolution(shape, weight, bytes[0].second, true).folded();
            const int taps = shape.taps * shape.taps;
            for (int o = 0; o < shape.out; ++o)
                for (int t = 0; t < taps; ++t)
                    for (int c = 0; c < shape.in; ++c)
                        for (int d = c + 1; d < std::min(shape.in, c / 4 * 4 + 4); ++d) {
                            const auto at = [&](int channel) {
                                return folded
                                    .weights[(static_cast<std::size_t>(o) * shape.in + channel) * taps + t];
                            };
                            ASSERT_LE(std::fabs(at(c) + at(d)), largest_pair) << name;
                        }
        }
}

} // namespace
} // namespace anime::onednn
