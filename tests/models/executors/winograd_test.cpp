// SPDX-License-Identifier: LGPL-2.1-or-later
// Winograd convolutions against the sum that defines a convolution, in double.
#include "models/executors/onednn/kernels/isa.h"
#include "models/executors/onednn/kernels/winograd.h"
#include "models/executors/onednn/stages/winograd_stage.h"
#include "tests/models/executors/convolution.h"
#include "tests/models/owned_tensor.h"

#include <gtest/gtest.h>

#include <omp.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <random>

namespace anime::onednn
{
namespace
{

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

std::vector<float> random_values(std::size_t n, float deviation)
{
    static std::mt19937 engine(7);
    std::normal_distribution<float> normal(0, deviation);
    std::vector<float> out(n);
    std::generate(out.begin(), out.end(), [&] { return normal(engine); });
    return out;
}

/// A tensor all of which is in memory, between two rows that nobody may touch; full of NaN.
struct Owned : test::OwnedTensor {
    Owned(Type type, int channels, int height, int width, Border border = {})
        : OwnedTensor(type, channels, height, width, border, 1)
    {
        for (int y = -1; y <= tensor.bordered_rows(); ++y)
            for (int x = 0; x < tensor.bordered_width(); ++x)
                for (int c = 0; c < channels; ++c)
                    set(y, x, c, nan);
    }

    /// Rows and columns are counted with the border.
    float get(int y, int x, int c) const
    {
        if (tensor.type == Type::f32)
            return reinterpret_cast<const float *>(at(y, x))[c];
        return std::bit_cast<float>(std::uint32_t(reinterpret_cast<const std::uint16_t *>(at(y, x))[c])
                                    << 16);
    }

    /// bf16: cuts the digits off that do not fit.
    void set(int y, int x, int c, float value)
    {
        if (tensor.type == Type::f32)
            reinterpret_cast<float *>(at(y, x))[c] = value;
        else
            reinterpret_cast<std::uint16_t *>(at(y, x))[c] =
                static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16);
    }

private:
    std::byte *at(int y, int x) const { return tensor.bordered_row(y) + x * tensor.pixel_bytes(); }
};

struct Case {
    const char *name;
    int taps;
    int in_channels;
    int out_channels;
    int height;
    int width;
    std::vector<int> strips = {}; ///< rows of each run but the last
    bool phases = false;
    bool biased = false;
    Type type = Type::f32;
    bool rough = false;   ///< beside bytes
    bool steered = false; ///< modulation and activation, into a border
    bool moments = false;
};

ConvSpec conv(const Case &c, int height, int width, int skip, int skip_columns)
{
    ConvSpec spec;
    spec.name = std::string(c.name) + " " + std::to_string(2 * skip + skip_columns);
    spec.channels = c.out_channels;
    spec.kernel_height = height;
    spec.kernel_width = width;
    spec.skip = skip;
    spec.skip_columns = skip_columns;
    spec.paired = c.rough;
    spec.moments = c.moments;
    const int values = c.in_channels * height * width;
    spec.weights = random_values(static_cast<std::size_t>(c.out_channels) * values,
                                 1 / std::sqrt(static_cast<float>(values)));
    if (c.biased)
        spec.bias = random_values(c.out_channels, 1);
    return spec;
}

constexpr std::byte rubbish{0xff}; // NaN

class Convolution : public testing::TestWithParam<Case>
{
};

TEST_P(Convolution, IsTheSumOfTheProducts)
{
    const Case &c = GetParam();
    std::vector<ConvSpec> specs;
    if (c.phases)
        for (int row : {0, 1})
            for (int column : {0, 1})
                specs.push_back(conv(c, 3 - row, 3 - column, row, column));
    else
        specs.push_back(conv(c, c.taps, c.taps, 0, 0));
    Vector modulation;
    if (c.steered) {
        modulation = random_values(3 + 2 * static_cast<std::size_t>(c.out_channels), 0.3F);
        specs[0].modulation = &modulation;
        specs[0].offset = 3;
        specs[0].slope = 0.2F;
    }
    const Border border = c.steered ? Border{1, 1, 1, 1} : Border{};
    const int pad = c.taps / 2;
    Owned in(c.type, c.in_channels, c.height, c.width, {pad, pad, pad, pad});
    for (int y = 0; y < in.tensor.bordered_rows(); ++y)
        for (int x = 0; x < in.tensor.bordered_width(); ++x)
            for (int i = 0; i < c.in_channels; ++i)
                in.set(y, x, i, random_values(1, 1)[0]);

    std::vector<std::vector<std::byte>> first;
    for (int threads : {1, 3}) {
        SCOPED_TRACE(std::to_string(threads) + " threads");
        omp_set_num_threads(threads);
        std::vector<std::unique_ptr<Owned>> outs;
        std::vector<Tensor *> tensors;
        for (std::size_t i = 0; i < specs.size(); ++i) {
            outs.push_back(std::make_unique<Owned>(c.type, c.out_channels, c.height, c.width, border));
            tensors.push_back(&outs.back()->tensor);
        }
        WeightCache cache;
        WinogradStage stage(c.name, specs, in.tensor, tensors, cache);
        run_in_strips(stage, c.strips, c.height, rubbish);

        // Normal values and weights give normal outputs; see winograd.h for what rounding to float32 leaves
        // of them, rms. A wrong factor anywhere leaves far more.
        const double bound = c.taps == 3 ? 1e-5 : c.type == Type::f32 && !c.rough ? 2e-4 : 1e-2;
        double sum = 0;
        double squares = 0;
        for (std::size_t i = 0; i < specs.size(); ++i) {
            for (int y = 0; y < c.height; ++y)
                for (int x = 0; x < c.width; ++x)
                    for (int n = 0; n < c.out_channels; ++n) {
                        const double wanted = direct(specs[i], in, y, x, n);
                        sum += wanted;
                        squares += wanted * wanted;
                        const double rounding = c.type == Type::bf16 ? std::fabs(wanted) / 256 : 0;
                        ASSERT_NEAR(outs[i]->get(border.top + y, border.left + x, n), wanted,
                                    bound + rounding)
                            << "output " << i << ", row " << y << ", column " << x << ", channel " << n;
                    }
            for (int x = 0; x < c.width; ++x) {
                EXPECT_TRUE(std::isnan(outs[i]->get(-1, x, 0))) << "it wrote above its output";
                EXPECT_TRUE(std::isnan(outs[i]->get(outs[i]->tensor.bordered_rows(), x, 0)))
                    << "it wrote below its output";
            }
            if (c.steered) {
                EXPECT_EQ(outs[i]->get(1, 0, 0), outs[i]->get(1, 2, 0)) << "a border that mirrors";
                EXPECT_EQ(outs[i]->get(0, 1, 0), outs[i]->get(2, 1, 0)) << "a border that mirrors";
            }
            if (first.size() < specs.size())
                first.push_back(outs[i]->memory);
            else
                EXPECT_TRUE(first[i] == outs[i]->memory) << "threads changed the result";
        }
        if (c.moments) {
            EXPECT_NEAR(stage.moments().sum, sum, 1e-3 * stage.moments().count);
            EXPECT_NEAR(stage.moments().squares, squares, 5e-3 * squares);
            EXPECT_EQ(stage.moments().count, specs.size() * c.height * c.width * c.out_channels);
        }
    }
    omp_set_num_threads(omp_get_num_procs());
}

INSTANTIATE_TEST_SUITE_P(
    All, Convolution,
    testing::Values(
        Case{"WholeTiles", 3, 32, 32, 8, 8}, Case{"OddSize", 3, 32, 64, 13, 7},
        Case{"SmallerThanATile", 3, 32, 32, 3, 2}, Case{"OnePixel", 3, 64, 32, 1, 1},
        Case{"OneRow", 3, 32, 32, 1, 50}, Case{"ManyGroups", 3, 32, 32, 30, 41},
        Case{"Strips", 3, 32, 32, 21, 19, {8, 4}}, Case{"StripsThatEndInATile", 3, 32, 32, 21, 9, {5, 6}},
        Case{"Bias", 3, 32, 32, 9, 9, {}, false, true}, Case{"ManyChannels", 3, 256, 96, 6, 5},
        Case{"Phases", 3, 32, 32, 11, 10, {4}, true}, Case{"SevenTaps", 7, 64, 32, 8, 12},
        Case{"SevenTapsOddSize", 7, 32, 32, 9, 17, {4}}, Case{"SevenTapsSmallerThanATile", 7, 32, 32, 2, 3},
        Case{"HalfAPanel", 3, 48, 48, 13, 9}, Case{"LessThanAPanel", 3, 16, 16, 5, 9},
        Case{"Steered", 3, 48, 48, 10, 11, {4}, false, true, Type::f32, false, true},
        Case{"RoughSevenTaps", 7, 32, 32, 9, 17, {8}, false, false, Type::f32, true},
        Case{"Bf16", 3, 32, 64, 13, 18, {4}, false, true, Type::bf16},
        Case{"Bf16Phases", 3, 32, 32, 5, 6, {}, true, false, Type::bf16},
        Case{"Moments", 3, 32, 48, 9, 14, {4}, false, true, Type::f32, false, false, true},
        Case{"MomentsOfPhases", 3, 32, 32, 5, 30, {}, true, false, Type::bf16, false, false, true},
        Case{"MomentsOfSevenTaps", 7, 32, 32, 9, 17, {}, false, false, Type::bf16, false, false, true},
        Case{"Bf16SevenTaps", 7, 32, 32, 9, 10, {}, false, false, Type::bf16}),
    [](const auto &info) { return std::string(info.param.name); });

TEST(Winograd, IsTakenWhereItPays)
{
    if (!isa().avx2)
        GTEST_SKIP() << isa().name << " has no AVX2, so nothing is";
    const auto suits = [](int taps, int in, int out, int size, int stride = 1, int groups = 1,
                          Type type = Type::f32) {
        ConvSpec spec;
        spec.kernel_height = spec.kernel_width = taps;
        spec.channels = out;
        spec.stride = stride;
        spec.groups = groups;
        Tensor tensor;
        tensor.type = type;
        tensor.channels = in;
        return WinogradStage::suits(spec, tensor, size, size);
    };
    EXPECT_TRUE(suits(3, 32, 32, 16));
    EXPECT_TRUE(suits(7, 64, 32, 4));
    EXPECT_FALSE(suits(3, 32, 32, 15)) << "too few tiles for the weights";
    EXPECT_FALSE(suits(1, 32, 32, 64)) << "nothing to save";
    EXPECT_FALSE(suits(7, 3, 32, 64)) << "three channels";
    EXPECT_TRUE(suits(3, 48, 48, 64)) << "one panel and a half";
    EXPECT_FALSE(suits(3, 40, 32, 64)) << "no whole number of vectors";
    EXPECT_FALSE(suits(3, 32, 40, 64)) << "no whole number of half panels";
    EXPECT_FALSE(suits(3, 32, 32, 64, 2)) << "stride";
    EXPECT_FALSE(suits(3, 32, 32, 64, 1, 32)) << "depthwise";
    EXPECT_FALSE(suits(3, 32, 32, 64, 1, 1, Type::u8));
    EXPECT_FALSE(suits(3, 32, 32, 31, 1, 1, Type::bf16));
    EXPECT_EQ(suits(3, 32, 32, 32, 1, 1, Type::bf16), !isa().amx);
}

TEST(Winograd, BeatsConvolutionsOfBytesOnlyWithSevenTaps)
{
    Node node{.op = Op::conv, .channels = 32, .kernel = 7};
    node.weight = std::make_shared<Weight>(Weight{"conv", {32, 64, 7, 7}, {}});
    EXPECT_EQ(WinogradStage::beats_bytes(node), isa().avx2 && !isa().amx);
    node.kernel = 3;
    EXPECT_FALSE(WinogradStage::beats_bytes(node));
}

TEST(Winograd, EverySetOfKernelsAgrees)
{
    constexpr Winograd<4, 3> w;
    constexpr int channels = winograd_panel;
    constexpr int positions = w.side * w.side;
    constexpr int tiles = 14; // more than any set multiplies at once, and a rest
    const auto pixels = random_values(static_cast<std::size_t>(positions) * channels, 1);
    const auto weights = random_values(channels * channels, 0.1F);
    const auto many = random_values(tiles * channels, 1);
    const Kernels *sets[3];
    const std::size_t count = runnable_kernels(sets);
    std::vector<float> wanted;
    for (std::size_t s = 0; s < count; ++s) {
        std::vector<float> in(positions * channels);
        std::vector<float> out(w.tile * w.tile * channels);
        std::vector<float> products(tiles * channels);
        sets[s]->winograd_3_f32.input(pixels.data(), w.side * channels, channels, in.data(), channels);
        sets[s]->winograd_3_f32.output({.in = in.data(),
                                        .distance = channels,
                                        .channels = channels,
                                        .pixels = out.data(),
                                        .row = w.tile * channels});
        sets[s]->winograd_multiply(many.data(), weights.data(), products.data(), tiles, channels, channels);
        std::vector<float> all = in;
        all.insert(all.end(), out.begin(), out.end());
        all.insert(all.end(), products.begin(), products.end());
        if (s == 0)
            wanted = all;
        for (std::size_t i = 0; i < all.size(); ++i)
            ASSERT_NEAR(all[i], wanted[i], 1e-4F) << sets[s]->isa << " at " << i;
    }
}

} // namespace
} // namespace anime::onednn
