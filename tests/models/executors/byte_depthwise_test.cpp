// SPDX-License-Identifier: LGPL-2.1-or-later
// Depthwise convolutions of bytes against the sum that defines a convolution.
#include "models/executors/onednn/kernels/isa.h"
#include "models/executors/onednn/stages/byte_depthwise_stage.h"
#include "tests/models/executors/byte_tensors.h"
#include "tests/models/executors/convolution.h"

#include <gtest/gtest.h>

#include <omp.h>

namespace anime::onednn
{
namespace
{

struct Case {
    const char *name;
    int channels;
    int height;
    int width;
    Type type = Type::f32;        ///< of the output
    std::vector<int> strips = {}; ///< rows of each run but the last
    bool steered = false;         ///< bias, modulation, and an activation if there are no moments
    Border border = {};           ///< of the output
    bool moments = false;
};

ConvSpec conv(int channels)
{
    ConvSpec spec;
    spec.name = "conv";
    spec.channels = spec.groups = channels;
    spec.kernel_height = spec.kernel_width = 3;
    spec.paired = true;
    return spec;
}

class Depthwise : public testing::TestWithParam<Case>
{
};

TEST_P(Depthwise, IsTheSumOfTheProducts)
{
    const Case &c = GetParam();
    ConvSpec spec = conv(c.channels);
    spec.moments = c.moments;
    for (int i = 0; i < 9 * c.channels; ++i)
        spec.weights.push_back(normal() / 3);
    Vector modulation(3 + 2 * c.channels);
    std::generate(modulation.begin(), modulation.end(), [] { return 0.3F * normal(); });
    if (c.steered) {
        spec.modulation = &modulation;
        spec.offset = 3;
        if (!c.moments)
            spec.slope = 0.2F;
        for (int n = 0; n < c.channels; ++n)
            spec.bias.push_back(normal());
    }
    const Owned source = random_bytes(c.channels, c.height, c.width, {1, 1, 1, 1});
    Tensor in = source.tensor;
    std::vector<std::byte> first;
    for (int threads : {1, 3}) {
        SCOPED_TRACE(std::to_string(threads) + " threads");
        omp_set_num_threads(threads);
        Owned out(c.type, c.channels, c.height, c.width, c.border);
        ByteDepthwiseStage stage(spec, in, out.tensor);
        run_in_strips(stage, c.strips, c.height, std::byte{0x5a});
        for (int y = 0; y < c.height; ++y)
            for (int x = 0; x < c.width; ++x)
                for (int n = 0; n < c.channels; ++n) {
                    const auto [wanted, bound] = rounded_to(c.type, direct(spec, source, y, x, n), 1e-4);
                    ASSERT_NEAR(out.get(c.border.top + y, c.border.left + x, n), wanted, bound)
                        << "row " << y << ", column " << x << ", channel " << n;
                }
        if (c.moments)
            expect_moments(stage.moments(), {&out});
        EXPECT_TRUE(out.nothing_around()) << "it wrote above or below its output";
        if (c.border.left) {
            EXPECT_EQ(*out.at(1, 0, 0), *out.at(1, 2, 0)) << "a border that mirrors";
        }
        if (first.empty())
            first = out.memory;
        else
            EXPECT_TRUE(first == out.memory) << "threads changed the result";
    }
    omp_set_num_threads(omp_get_num_procs());
}

INSTANTIATE_TEST_SUITE_P(
    All, Depthwise,
    testing::Values(Case{"Plain", 32, 5, 9}, Case{"OnePixel", 16, 1, 1}, Case{"BlocksAndARest", 64, 3, 37},
                    Case{"OddChannels", 13, 6, 7}, Case{"ManyChannels", 512, 2, 18},
                    Case{"Strips", 24, 21, 9, Type::f32, {5, 8}}, Case{"Bf16", 40, 10, 9, Type::bf16},
                    Case{"Bytes", 32, 6, 7, Type::u8}, Case{"Steered", 32, 7, 7, Type::f32, {}, true},
                    Case{"SteeredBytesWithBorder", 48, 10, 11, Type::u8, {4}, true, {1, 1, 1, 1}},
                    Case{"Moments", 44, 9, 20, Type::bf16, {4}, true, {}, true}),
    [](const auto &info) { return std::string(info.param.name); });

TEST(ByteDepthwise, IsTakenWhereThereIsNoVnni)
{
    Tensor in;
    in.type = Type::u8;
    in.channels = 32;
    ConvSpec spec = conv(32);
    EXPECT_EQ(ByteDepthwiseStage::suits(spec, in), isa().avx2);
    spec.paired = false;
    EXPECT_FALSE(ByteDepthwiseStage::suits(spec, in)) << "oneDNN's is quicker with VNNI";
    spec = conv(32);
    spec.stride = 2;
    EXPECT_FALSE(ByteDepthwiseStage::suits(spec, in));
    spec = conv(32);
    spec.groups = 16;
    EXPECT_FALSE(ByteDepthwiseStage::suits(spec, in)) << "two channels a group";
}

TEST(ByteDepthwise, EverySetOfKernelsAgrees)
{
    constexpr int channels = 37; // whole registers of any set, and a rest
    constexpr int pixels = 5;
    std::vector<std::uint8_t> in(std::size_t(3) * channels * (pixels + 2));
    std::generate(in.begin(), in.end(), [] { return static_cast<std::uint8_t>(random_engine()()); });
    std::vector<float> weights(std::size_t(9) * channels);
    std::generate(weights.begin(), weights.end(), normal);
    const std::vector<float> scale(channels, 1e-2F);
    const std::vector<float> shift(channels, 0.5F);
    const Kernels *sets[3];
    const std::size_t count = runnable_kernels(sets);
    std::vector<float> first;
    for (std::size_t s = 0; s < count; ++s) {
        std::vector<float> out(std::size_t(pixels) * channels);
        double sums[2] = {0, 0};
        sets[s]->byte_depthwise_f32({.in = in.data(),
                                     .in_row = std::size_t(channels) * (pixels + 2),
                                     .channels = channels,
                                     .weights = weights.data(),
                                     .scale = scale.data(),
                                     .shift = shift.data(),
                                     .out = out.data(),
                                     .pixels = pixels,
                                     .sums = sums});
        if (s == 0)
            first = out;
        double sum = 0;
        for (std::size_t i = 0; i < out.size(); ++i) {
            ASSERT_NEAR(out[i], first[i], 1e-3) << sets[s]->isa << " at " << i;
            sum += out[i];
        }
        EXPECT_NEAR(sums[0], sum, 1e-2) << sets[s]->isa;
    }
}

} // namespace
} // namespace anime::onednn
