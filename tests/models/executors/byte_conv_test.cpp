// SPDX-License-Identifier: LGPL-2.1-or-later
// Direct convolutions of bytes against the sum that defines a convolution, and with the inputs that make the
// sums of 16 bits as large as they can become.
#include "models/executors/onednn/kernels/isa.h"
#include "models/executors/onednn/stages/byte_conv_stage.h"
#include "tests/models/executors/byte_tensors.h"
#include "tests/models/executors/convolution.h"

#include <gtest/gtest.h>

#include <omp.h>

#include <functional>

namespace anime::onednn
{
namespace
{

constexpr std::byte rubbish{0x5a};

struct Case {
    const char *name;
    int taps;
    int stride;
    int in_channels;
    int out_channels;
    int height; ///< of the output
    int width;
    Type type = Type::f32;
    std::vector<int> strips = {}; ///< rows of each run but the last
    bool steered = false;         ///< bias, modulation and activation
    Border border = {};           ///< of the output
    bool moments = false;
};

ConvSpec conv(const Case &c)
{
    ConvSpec spec;
    spec.name = c.name;
    spec.channels = c.out_channels;
    spec.kernel_height = spec.kernel_width = c.taps;
    spec.stride = c.stride;
    spec.paired = true;
    spec.moments = c.moments;
    const int values = c.in_channels * c.taps * c.taps;
    for (int i = 0; i < c.out_channels * values; ++i)
        spec.weights.push_back(normal() / std::sqrt(static_cast<float>(values)));
    return spec;
}

class Convolution : public testing::TestWithParam<Case>
{
};

TEST_P(Convolution, IsTheSumOfTheProducts)
{
    const Case &c = GetParam();
    ConvSpec spec = conv(c);
    Vector modulation(3 + 2 * c.out_channels);
    std::generate(modulation.begin(), modulation.end(), [] { return 0.3F * normal(); });
    if (c.steered) {
        spec.modulation = &modulation;
        spec.offset = 3;
        if (!c.moments)
            spec.slope = 0.2F;
        for (int n = 0; n < c.out_channels; ++n)
            spec.bias.push_back(normal());
        spec.mean.assign(c.in_channels, 0.4F);
    }
    const int around = c.taps / 2;
    const Owned source = random_bytes(c.in_channels, (c.height - 1) * c.stride + 1,
                                      (c.width - 1) * c.stride + 1, {around, around, around, around});
    Tensor in = source.tensor;
    std::vector<std::byte> first;
    for (int threads : {1, 3}) {
        SCOPED_TRACE(std::to_string(threads) + " threads");
        omp_set_num_threads(threads);
        Owned out(c.type, c.out_channels, c.height, c.width, c.border);
        WeightCache cache;
        ByteConvStage stage(spec, in, out.tensor, cache);
        run_in_strips(stage, c.strips, c.height, rubbish);
        double squares = 0;
        for (int y = 0; y < c.height; ++y)
            for (int x = 0; x < c.width; ++x)
                for (int n = 0; n < c.out_channels; ++n) {
                    // Outputs are about 1, and noise is the worst there is for rounded weights. A wrong
                    // factor anywhere leaves far more.
                    const auto [wanted, bound] = rounded_to(c.type, direct(spec, source, y, x, n), 0.15);
                    const double got = out.get(c.border.top + y, c.border.left + x, n);
                    ASSERT_NEAR(got, wanted, bound) << "row " << y << ", column " << x << ", channel " << n;
                    squares += (got - wanted) * (got - wanted);
                }
        EXPECT_LT(std::sqrt(squares / (c.height * c.width * c.out_channels)), 0.04);
        if (c.moments)
            expect_moments(stage.moments(), {&out});
        EXPECT_TRUE(out.nothing_around()) << "it wrote above or below its output";
        if (c.border.left) {
            EXPECT_EQ(*out.at(1, 0, 0), *out.at(1, 2, 0)) << "a border that mirrors";
            EXPECT_EQ(*out.at(0, 1, 0), *out.at(2, 1, 0)) << "a border that mirrors";
        }
        if (first.empty())
            first = out.memory;
        else
            EXPECT_TRUE(first == out.memory) << "threads changed the result";
    }
    omp_set_num_threads(omp_get_num_procs());
}

INSTANTIATE_TEST_SUITE_P(
    All, Convolution,
    testing::Values(
        Case{"OneTap", 1, 1, 48, 32, 5, 9}, Case{"OnePixel", 1, 1, 64, 16, 1, 1},
        Case{"TwoBlocksAndARest", 1, 1, 32, 48, 3, 71}, Case{"ThreeInAndThreeOut", 1, 1, 3, 3, 6, 7},
        Case{"QuadsThatAreLeftOver", 1, 1, 44, 20, 4, 6}, Case{"Odd", 1, 1, 37, 17, 7, 5},
        Case{"Stride", 3, 2, 32, 48, 9, 10}, Case{"StrideOfAPicture", 3, 2, 3, 24, 8, 13},
        Case{"SevenTapsOfAPicture", 7, 1, 3, 32, 9, 11}, Case{"ThreeTaps", 3, 1, 12, 32, 5, 34},
        Case{"ManyChannels", 1, 1, 512, 256, 2, 6}, Case{"Strips", 3, 2, 32, 16, 21, 9, Type::f32, {5, 8}},
        Case{"Bf16", 1, 1, 64, 40, 10, 9, Type::bf16}, Case{"Bytes", 1, 1, 48, 32, 6, 7, Type::u8},
        Case{"BytesOfAPicture", 7, 1, 3, 20, 6, 7, Type::u8},
        Case{"Steered", 3, 2, 32, 48, 7, 7, Type::f32, {}, true},
        Case{"SteeredBytesWithBorder", 3, 2, 48, 48, 10, 11, Type::u8, {4}, true, {1, 1, 1, 1}},
        Case{"Moments", 1, 1, 64, 40, 9, 37, Type::bf16, {4}, true, {}, true},
        Case{"MomentsOfAPicture", 7, 1, 3, 32, 8, 9, Type::f32, {}, false, {}, true}),
    [](const auto &info) { return std::string(info.param.name); });

/// Weight of output o, input c, tap t.
using Weights = std::function<float(int o, int c, int t)>;

const std::pair<const char *, Weights> weights[] = {
    {"all the largest", [](int, int, int) { return 1.0F; }},
    {"all the smallest", [](int, int, int) { return -1.0F; }},
    {"signs alternate", [](int, int c, int) { return c % 2 ? 1.0F : -1.0F; }},
    {"signs alternate by pairs", [](int, int c, int) { return c / 2 % 2 ? 1.0F : -1.0F; }},
    {"one large", [](int, int c, int t) { return c == 5 && t == 0 ? 1.0F : 0.01F; }},
    {"half of a quad", [](int, int c, int) { return c % 4 < 2 ? 1.0F : 0.1F; }},
    {"one quad", [](int, int c, int) { return c / 4 == 2 ? 1.0F : -0.05F; }},
    {"almost a whole number", [](int, int c, int) { return c % 16 == 0 ? 1.0F : 0.117F; }},
    {"random", [](int, int, int) { return normal(); }},
};

struct Shape {
    int taps;
    int stride;
    int in;
};

constexpr Shape shapes[] = {{1, 1, 48}, {1, 1, 44}, {1, 1, 3}, {3, 2, 32}, {3, 2, 12}, {7, 1, 3}};

/// Which sum of 16 bits the product of a value of a kernel goes to: (input channel, tap).
std::vector<int> sums_of(const Shape &shape, int quads)
{
    const int added = 4 * quads;
    const int row = (shape.taps * shape.in + added - 1) / added;
    std::vector<int> out;
    for (int c = 0; c < shape.in; ++c)
        for (int t = 0; t < shape.taps * shape.taps; ++t) {
            const int at = t % shape.taps * shape.in + c;
            out.push_back(2 * (t / shape.taps * row + at / added) + at % 4 / 2);
        }
    return out;
}

// The bytes that make the sums of 16 bits the largest there are, or the smallest, are 255 where weights have
// one sign and 0 elsewhere. The sum of the products of the rounded weights has to be exact.
TEST(ByteConv, NoInputAndNoWeightsOverflow)
{
    for (const Shape &shape : shapes)
        for (const auto &[name, weight] : weights)
            for (int sign : {1, -1, 0}) {
                ConvSpec spec;
                spec.name = name;
                spec.channels = 1;
                spec.kernel_height = spec.kernel_width = shape.taps;
                spec.stride = shape.stride;
                spec.paired = true;
                const int taps = shape.taps * shape.taps;
                Owned in(Type::u8, shape.in, shape.taps, shape.taps);
                in.tensor.quant = std::make_shared<Quant>(
                    Quant{std::vector<float>(shape.in, 1.0F), std::vector<float>(shape.in, 0.0F)});
                std::vector<int> bytes;
                for (int c = 0; c < shape.in; ++c)
                    for (int t = 0; t < taps; ++t) {
                        spec.weights.push_back(weight(0, c, t));
                        bytes.push_back(sign == 0 || spec.weights.back() * sign > 0 ? 255 : 0);
                        *in.at(t / shape.taps, t % shape.taps, c) = static_cast<std::byte>(bytes.back());
                    }
                Owned out(Type::f32, 1, 1, 1);
                WeightCache cache;
                ByteConvStage stage(spec, in.tensor, out.tensor, cache);
                run_in_strips(stage, {}, 1, rubbish);
                const bool eight = stage.describe().find("8 products") != std::string::npos;
                const Folded folded = fold({1, 1, taps, spec.weights, spec.bias, spec.mean, true,
                                            sums_of(shape, eight ? byte_quads : 1)},
                                           *in.tensor.quant);
                double wanted = folded.bias[0];
                for (std::size_t i = 0; i < bytes.size(); ++i)
                    wanted += folded.weights[i] * bytes[i];
                ASSERT_NEAR(out.get(0, 0, 0) / folded.scales[0], wanted, 0.5)
                    << name << ", " << shape.taps << " taps, " << shape.in << " channels, sign " << sign;
            }
}

// Of the weights alone, so that it holds whatever the kernel does.
TEST(ByteConv, RoundedWeightsOfASumStayWithinIt)
{
    for (int quads : {1, byte_quads})
        for (const Shape &shape : shapes)
            for (const auto &[name, weight] : weights) {
                const int taps = shape.taps * shape.taps;
                const std::vector<float> bias;
                const std::vector<float> mean;
                std::vector<float> kernels;
                for (int o = 0; o < 4; ++o)
                    for (int c = 0; c < shape.in; ++c)
                        for (int t = 0; t < taps; ++t)
                            kernels.push_back(weight(o, c, t));
                const FoldSpec spec{4, 1, taps, kernels, bias, mean, true, sums_of(shape, quads)};
                const Folded folded =
                    fold(spec, {std::vector<float>(shape.in, 0.02F), std::vector<float>(shape.in, 12.0F)});
                for (int o = 0; o < 4; ++o) {
                    std::vector<float> up(spec.sums.size() + 1);
                    std::vector<float> down(up.size());
                    for (std::size_t k = 0; k < spec.sums.size(); ++k) {
                        const float w = folded.weights[o * spec.sums.size() + k];
                        ASSERT_LE(std::fabs(w), 127);
                        ASSERT_EQ(w, std::nearbyint(w));
                        (w > 0 ? up : down)[spec.sums[k]] += std::fabs(w);
                    }
                    ASSERT_LE(*std::max_element(up.begin(), up.end()), largest_pair) << name;
                    ASSERT_LE(*std::max_element(down.begin(), down.end()), largest_pair) << name;
                }
            }
}

TEST(ByteConv, WeightsThatWouldLoseTooMuchAreAddedTwoByTwo)
{
    const auto described = [](const Weights &weight) {
        ConvSpec spec;
        spec.name = "conv";
        spec.channels = 16;
        spec.paired = true;
        for (int o = 0; o < 16; ++o)
            for (int c = 0; c < 64; ++c)
                spec.weights.push_back(weight(o, c, 0));
        Owned in(Type::u8, 64, 4, 4);
        Owned out(Type::f32, 16, 4, 4);
        WeightCache cache;
        return ByteConvStage(spec, in.tensor, out.tensor, cache).describe();
    };
    const auto normal_weights = [](int, int, int) { return normal(); };
    EXPECT_NE(described(normal_weights).find("8 products in 16 bits"), std::string::npos);
    // Eight of 16 fill a sum, and what is left is rounded to nothing.
    const auto small_beside_large = [](int, int c, int) { return c < 16 ? 16.0F : 0.35F; };
    EXPECT_NE(described(small_beside_large).find("2 products in 16 bits"), std::string::npos);
}

TEST(ByteConv, IsTakenWhereItPays)
{
    const auto suits = [](int in, int stride, bool paired = true, int groups = 1, Type type = Type::u8) {
        ConvSpec spec;
        spec.channels = 32;
        spec.stride = stride;
        spec.groups = groups;
        spec.paired = paired;
        Tensor tensor;
        tensor.type = type;
        tensor.channels = in;
        return ByteConvStage::suits(spec, tensor);
    };
    EXPECT_EQ(suits(48, 1), isa().avx2);
    EXPECT_EQ(suits(3, 1), isa().avx2);
    EXPECT_EQ(suits(2, 2), isa().avx2);
    EXPECT_FALSE(suits(2, 1)) << "it would read behind a row";
    EXPECT_FALSE(suits(48, 1, false)) << "a CPU that adds products of bytes in 32 bits";
    EXPECT_FALSE(suits(48, 1, true, 48)) << "depthwise";
    EXPECT_FALSE(suits(48, 1, true, 1, Type::f32));
}

TEST(ByteConv, EverySetOfKernelsAgrees)
{
    constexpr std::size_t run = 44;
    constexpr std::size_t pixels = 13; // more than any set does at once, and a rest
    constexpr std::size_t distance = 30;
    std::vector<std::uint8_t> in(2 * (distance * pixels + run));
    std::generate(in.begin(), in.end(), [] { return static_cast<std::uint8_t>(random_engine()()); });
    std::vector<std::int8_t> weights(2 * run * byte_panel);
    std::generate(weights.begin(), weights.end(),
                  [] { return static_cast<std::int8_t>(random_engine()() % 33 - 16); });
    const std::vector<float> scale(byte_panel, 1e-3F);
    const std::vector<float> shift(byte_panel, 2.0F);
    const Kernels *sets[3];
    const std::size_t count = runnable_kernels(sets);
    for (int quads : {1, byte_quads}) {
        std::vector<float> first(pixels * byte_panel);
        double first_sums[2] = {0, 0};
        for (std::size_t s = 0; s < count; ++s) {
            std::vector<float> out(first.size());
            double sums[2] = {0, 0};
            ByteConv conv;
            conv.in = in.data();
            conv.in_pixel = distance;
            conv.in_row = distance * pixels + run;
            conv.rows = 2;
            conv.run = run;
            conv.weights = weights.data();
            conv.quads = quads;
            conv.scale = scale.data();
            conv.shift = shift.data();
            conv.slope = 0.2F;
            conv.out = out.data();
            conv.out_pixel = byte_panel;
            conv.pixels = pixels;
            conv.sums = sums;
            sets[s]->byte_conv_f32(conv);
            if (s == 0) {
                first = out;
                std::copy_n(sums, 2, first_sums);
                EXPECT_GT(sums[1], 0);
            }
            for (std::size_t i = 0; i < out.size(); ++i)
                ASSERT_NEAR(out[i], first[i], 1e-4) << sets[s]->isa << " at " << i;
            EXPECT_NEAR(sums[0], first_sums[0], 1e-2) << sets[s]->isa;
            EXPECT_NEAR(sums[1], first_sums[1], 1e-2 * first_sums[1]) << sets[s]->isa;
        }
    }
}

} // namespace
} // namespace anime::onednn
