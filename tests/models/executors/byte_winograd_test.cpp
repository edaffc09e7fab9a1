// SPDX-License-Identifier: LGPL-2.1-or-later
// Winograd convolutions of bytes against the sum that defines a convolution, in double, and with the inputs
// that make its sums of 32 bits as large as they can become.
#include "models/executors/onednn/kernels/byte_winograd.h"
#include "models/executors/onednn/kernels/isa.h"
#include "models/executors/onednn/stages/byte_winograd_stage.h"
#include "tests/models/executors/byte_tensors.h"
#include "tests/models/executors/convolution.h"

#include <gtest/gtest.h>

#include <omp.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <memory>

namespace anime::onednn
{
namespace
{

using Matrices = ByteWinogradMatrices;

struct Case {
    const char *name;
    int in_channels;
    int out_channels;
    int height;
    int width;
    Type type = Type::f32;        ///< of the output
    std::vector<int> strips = {}; ///< rows of each run but the last
    bool phases = false;
    bool steered = false; ///< bias, modulation and activation
    Border border = {};   ///< of the output
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
    spec.paired = true;
    spec.moments = c.moments;
    const int values = c.in_channels * height * width;
    for (int i = 0; i < c.out_channels * values; ++i)
        spec.weights.push_back(normal() / std::sqrt(static_cast<float>(values)));
    return spec;
}

constexpr std::byte rubbish{0x5a};

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
        specs.push_back(conv(c, 3, 3, 0, 0));
    Vector modulation(3 + 2 * c.out_channels);
    std::generate(modulation.begin(), modulation.end(), [] { return 0.3F * normal(); });
    if (c.steered) {
        specs[0].modulation = &modulation;
        specs[0].offset = 3;
        if (!c.moments)
            specs[0].slope = 0.2F;
        for (int n = 0; n < c.out_channels; ++n)
            specs[0].bias.push_back(normal());
        specs[0].mean.assign(c.in_channels, 0.4F);
    }
    const Owned source = random_bytes(c.in_channels, c.height, c.width, {1, 1, 1, 1});
    Tensor in = source.tensor;

    std::vector<std::vector<std::byte>> first;
    for (int threads : {1, 3}) {
        SCOPED_TRACE(std::to_string(threads) + " threads");
        omp_set_num_threads(threads);
        std::vector<std::unique_ptr<Owned>> outs;
        std::vector<Tensor *> tensors;
        for (std::size_t i = 0; i < specs.size(); ++i) {
            outs.push_back(std::make_unique<Owned>(c.type, c.out_channels, c.height, c.width, c.border));
            tensors.push_back(&outs.back()->tensor);
        }
        WeightCache cache;
        ByteWinogradStage stage(c.name, specs, in, tensors, cache);
        run_in_strips(stage, c.strips, c.height, rubbish);
        std::vector<const Owned *> written;
        for (std::size_t i = 0; i < specs.size(); ++i) {
            double squares = 0;
            for (int y = 0; y < c.height; ++y)
                for (int x = 0; x < c.width; ++x)
                    for (int n = 0; n < c.out_channels; ++n) {
                        // Outputs are about 1, and noise is the worst there is for rounded weights. A wrong
                        // factor anywhere leaves far more.
                        const auto [wanted, bound] =
                            rounded_to(c.type, direct(specs[i], source, y, x, n), 3e-2);
                        ASSERT_NEAR(outs[i]->get(c.border.top + y, c.border.left + x, n), wanted, bound)
                            << "output " << i << ", row " << y << ", column " << x << ", channel " << n;
                        const double error = outs[i]->get(c.border.top + y, c.border.left + x, n) - wanted;
                        squares += error * error;
                    }
            if (c.type == Type::f32) {
                EXPECT_LT(std::sqrt(squares / (c.height * c.width * c.out_channels)), 5e-3);
            }
            written.push_back(outs[i].get());
            EXPECT_TRUE(outs[i]->nothing_around()) << "it wrote above or below its output";
            if (c.border.left && c.width > 2) {
                EXPECT_EQ(*outs[i]->at(1, 0, 0), *outs[i]->at(1, 2, 0)) << "a border that mirrors";
                EXPECT_EQ(*outs[i]->at(0, 1, 0), *outs[i]->at(2, 1, 0)) << "a border that mirrors";
            }
            if (first.size() < specs.size())
                first.push_back(outs[i]->memory);
            else
                EXPECT_TRUE(first[i] == outs[i]->memory) << "threads changed the result";
        }
        if (c.moments)
            expect_moments(stage.moments(), written);
    }
    omp_set_num_threads(omp_get_num_procs());
}

INSTANTIATE_TEST_SUITE_P(
    All, Convolution,
    testing::Values(
        Case{"WholeTiles", 32, 32, 8, 8}, Case{"OddSize", 32, 48, 13, 7},
        Case{"SmallerThanATile", 16, 16, 3, 2}, Case{"OnePixel", 64, 32, 1, 1}, Case{"OneRow", 32, 32, 1, 50},
        Case{"ManyGroups", 48, 48, 30, 41}, Case{"Strips", 32, 32, 21, 19, Type::f32, {8, 4}},
        Case{"StripsThatEndInATile", 32, 32, 21, 9, Type::f32, {5, 6}}, Case{"TwelveIn", 12, 32, 9, 10},
        Case{"TwelveOut", 32, 12, 9, 10, Type::u8}, Case{"TwoInAndThreeOut", 2, 3, 9, 9},
        Case{"ManyChannels", 256, 96, 6, 5}, Case{"Phases", 32, 32, 11, 10, Type::f32, {4}, true},
        Case{"Bf16", 32, 40, 10, 9, Type::bf16},
        Case{"Moments", 32, 40, 10, 9, Type::bf16, {4}, false, true, {}, true},
        Case{"MomentsOfPhases", 16, 12, 9, 30, Type::f32, {}, true, false, {}, true},
        Case{"Bytes", 32, 32, 9, 14, Type::u8}, Case{"Steered", 32, 32, 9, 9, Type::f32, {}, false, true},
        Case{"SteeredBytesWithBorder", 48, 48, 10, 11, Type::u8, {4}, false, true, {1, 1, 1, 1}}),
    [](const auto &info) { return std::string(info.param.name); });

/// Weight of output o, input c, tap t.
using Weights = std::function<float(int o, int c, int t)>;

const std::pair<const char *, Weights> weights[] = {
    {"all the largest", [](int, int, int) { return 1.0F; }},
    {"all the smallest", [](int, int, int) { return -1.0F; }},
    {"signs alternate", [](int, int c, int t) { return (c + t) % 2 ? 1.0F : -1.0F; }},
    {"one of all", [](int o, int c, int t) { return c == o && t == 4 ? 1.0F : 0.0F; }},
    {"corners", [](int, int, int t) { return t % 8 == 0 ? 1.0F : 0.0F; }},
    {"random", [](int, int, int) { return normal(); }},
};

// For each position of a tile the bytes that make the sum there the largest, and those that make it the
// smallest. One that overflowed would be wrong by 2³², more than half of the largest output; rounding leaves
// a fiftieth at most, and that only where all channels have the same weights.
TEST(ByteWinograd, NoInputAndNoWeightsOverflow)
{
    for (int channels : {2, 48, 256})
        for (const auto &[name, weight] : weights)
            for (int p = 0; p < Matrices::positions; ++p)
                for (int sign : {1, -1}) {
                    ConvSpec spec;
                    spec.name = name;
                    spec.channels = 1;
                    spec.kernel_height = spec.kernel_width = 3;
                    spec.paired = true;
                    double all = 0;
                    Owned in(Type::u8, channels, 4, 4, {1, 1, 1, 1});
                    in.tensor.quant = std::make_shared<Quant>(
                        Quant{std::vector<float>(channels, 1.0F), std::vector<float>(channels, 0.0F)});
                    for (int c = 0; c < channels; ++c) {
                        double transformed = 0;
                        for (int t = 0; t < 9; ++t) {
                            spec.weights.push_back(weight(0, c, t));
                            all += 255 * std::fabs(spec.weights.back());
                            transformed += Matrices::kernel[p / 6][t / 3] * Matrices::kernel[p % 6][t % 3] *
                                           spec.weights.back();
                        }
                        for (int y = 0; y < 6; ++y)
                            for (int x = 0; x < 6; ++x)
                                *in.at(y, x, c) = Matrices::input[p / 6][y] * Matrices::input[p % 6][x] *
                                                              transformed * sign >
                                                          0
                                                      ? std::byte{255}
                                                      : std::byte{0};
                    }
                    Owned out(Type::f32, 1, 4, 4);
                    WeightCache cache;
                    ByteWinogradStage stage("stage", {spec}, in.tensor, {&out.tensor}, cache);
                    run_in_strips(stage, {}, 4, rubbish);
                    for (int y = 0; y < 4; ++y)
                        for (int x = 0; x < 4; ++x)
                            ASSERT_NEAR(out.get(y, x, 0), direct(spec, in, y, x, 0), 2e-2 * all)
                                << name << ", " << channels << " channels, position " << p;
                }
}

TEST(ByteWinograd, ItsInputFitsSixteenBits)
{
    for (int p = 0; p < Matrices::positions; ++p)
        EXPECT_LE(Matrices::largest_input(p), 32767) << p;
}

TEST(ByteWinograd, IsTakenWhereItPays)
{
    const auto suits = [](int in, int out, int size, bool paired = true, int taps = 3, int stride = 1,
                          int groups = 1, Type type = Type::u8) {
        ConvSpec spec;
        spec.kernel_height = spec.kernel_width = taps;
        spec.channels = out;
        spec.stride = stride;
        spec.groups = groups;
        spec.paired = paired;
        Tensor tensor;
        tensor.type = type;
        tensor.channels = in;
        return ByteWinogradStage::suits(spec, tensor, size, size);
    };
    EXPECT_EQ(suits(48, 48, 32), isa().avx2);
    EXPECT_EQ(suits(12, 32, 32), isa().avx2);
    EXPECT_EQ(suits(32, 12, 32), isa().avx2);
    EXPECT_FALSE(suits(48, 48, 8)) << "too few tiles for the weights";
    EXPECT_FALSE(suits(3, 32, 64)) << "an odd number of channels";
    EXPECT_FALSE(suits(48, 48, 64, false)) << "a CPU that adds products of bytes in 32 bits";
    EXPECT_FALSE(suits(48, 48, 64, true, 1)) << "nothing to save";
    EXPECT_FALSE(suits(48, 48, 64, true, 3, 2)) << "stride";
    EXPECT_FALSE(suits(48, 48, 64, true, 3, 1, 48)) << "depthwise";
    EXPECT_FALSE(suits(48, 48, 64, true, 3, 1, 1, Type::f32));
}

TEST(ByteWinograd, EverySetOfKernelsAgrees)
{
    constexpr int channels = 32;
    constexpr int tiles = 14; // more than any set multiplies at once, and a rest
    std::vector<std::uint8_t> pixels(Matrices::positions * channels);
    std::generate(pixels.begin(), pixels.end(), [] { return static_cast<std::uint8_t>(random_engine()()); });
    const auto words = [](std::size_t n) {
        std::vector<std::int16_t> out(n);
        std::generate(out.begin(), out.end(),
                      [] { return static_cast<std::int16_t>(random_engine()() % 8192 - 4096); });
        return out;
    };
    const auto many = words(std::size_t(Matrices::positions) * tiles * channels);
    const auto weights = words(std::size_t(Matrices::positions) * channels * byte_winograd_panel);
    const std::vector<float> scale(byte_winograd_panel, 1e-8F);
    const std::vector<float> shift(byte_winograd_panel, 10.0F);
    const Kernels *sets[3];
    const std::size_t count = runnable_kernels(sets);
    std::vector<std::int16_t> first_in;
    std::vector<std::int32_t> first_sums;
    std::vector<std::uint8_t> first_bytes;
    for (std::size_t s = 0; s < count; ++s) {
        const ByteWinograd &k = sets[s]->byte_winograd;
        std::vector<std::int16_t> in(Matrices::positions * channels);
        std::vector<std::int32_t> sums(Matrices::positions * tiles * byte_winograd_panel);
        std::vector<std::uint8_t> bytes(16 * byte_winograd_panel);
        k.input(pixels.data(), Matrices::side * channels, channels, in.data(), channels);
        for (std::size_t p = 0; p < Matrices::positions; ++p)
            k.multiply(many.data() + p * tiles * channels,
                       weights.data() + p * channels * byte_winograd_panel,
                       sums.data() + p * tiles * byte_winograd_panel, tiles, channels);
        k.output_bytes({.in = sums.data(),
                        .distance = tiles * byte_winograd_panel,
                        .scale = scale.data(),
                        .shift = shift.data(),
                        .slope = 0.2F,
                        .zero = 100,
                        .pixels = bytes.data(),
                        .pixel = byte_winograd_panel,
                        .row = 4 * byte_winograd_panel});
        if (s == 0) {
            first_in = in;
            first_sums = sums;
            first_bytes = bytes;
            EXPECT_GT(*std::max_element(bytes.begin(), bytes.end()),
                      *std::min_element(bytes.begin(), bytes.end()));
        }
        EXPECT_EQ(in, first_in) << sets[s]->isa;
        EXPECT_EQ(sums, first_sums) << sets[s]->isa;
        for (std::size_t i = 0; i < bytes.size(); ++i)
            ASSERT_NEAR(bytes[i], first_bytes[i], 1) << sets[s]->isa << " at " << i;
    }
}

} // namespace
} // namespace anime::onednn
