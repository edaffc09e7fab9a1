// SPDX-License-Identifier: LGPL-2.1-or-later
// What a GPU is told to do, done on the CPU: the plans, the packed weights and the arithmetic of the kernels
// paint what the reference paints.
#include "models/error.h"
#include "models/model.h"
#include "models/padding.h"
#include "plugins/torch/cuda/arena.h"
#include "plugins/torch/cuda/both.h"
#include "tests/models/tiny_models.h"
#include "tests/plugins/torch/run_on_cpu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace anime
{
namespace
{

using cuda::Half;
using cuda::Precision;

double psnr(const Planes &a, const Planes &b)
{
    double squares = 0;
    for (std::size_t i = 0; i < a.data.size(); ++i)
        squares += std::pow(double(a.data[i]) - b.data[i], 2.0);
    return 10 * std::log10(4.0 * double(a.data.size()) / squares);
}

TEST(Half, HoldsWhatItCan)
{
    const std::vector<std::pair<float, unsigned>> cases = {
        {0.0F, 0x0000},           {-0.0F, 0x8000},          {1.0F, 0x3C00},
        {-2.5F, 0xC100},          {65504.0F, 0x7BFF},       {65519.0F, 0x7BFF},
        {65520.0F, 0x7C00},       {-1e9F, 0xFC00},          {6.103515625e-5F, 0x0400},
        {5.9604645e-8F, 0x0001},  {2.9802322e-8F, 0x0000},  {2.99e-8F, 0x0001},
        {1.00048828125F, 0x3C00}, {1.00146484375F, 0x3C02}, {6.0976e-5F, 0x03FF}};
    for (const auto &[value, bits] : cases) {
        Half half{};
        cuda::from_float(value, half);
        EXPECT_EQ(half.bits, bits) << value;
    }
    // All that are numbers come back as they were.
    for (unsigned bits = 0; bits < 0x10000; ++bits) {
        if ((bits & 0x7C00U) == 0x7C00U && (bits & 0x3FFU))
            continue;
        Half half{};
        cuda::from_float(cuda::to_float(Half{static_cast<std::uint16_t>(bits)}), half);
        ASSERT_EQ(half.bits, bits);
    }
    Half nan{};
    cuda::from_float(std::numeric_limits<float>::quiet_NaN(), nan);
    EXPECT_TRUE(std::isnan(cuda::to_float(nan)));
}

struct Case {
    const char *name;
    std::string architecture;
    Upsampling upsampling = Upsampling::legacy;
    int side = 2; ///< lite: of the blocks of pixels that it reads
};

Graph graph_of(const Case &c)
{
    if (c.architecture == "lite")
        return build_graph("lite", test::lite_model(8, 12, 2, false, c.side).tensors, {});
    return build_graph("animeganv2", test::animeganv2_model().tensors, c.upsampling);
}

class CudaPlan : public testing::TestWithParam<Case>
{
};

TEST_P(CudaPlan, PaintsLikeTheReference)
{
    const Graph graph = graph_of(GetParam());
    for (const auto &[height, width] : {std::pair{16, 16}, {40, 56}}) {
        const Planes picture = test::picture(height, width);
        const Planes expected = run_reference(graph, picture);
        const Planes exact = test::run_plan(graph, Precision::f32, picture).planes;
        EXPECT_LT(test::max_difference(exact, expected), 1e-3F) << width << "x" << height;
        const Planes half = test::run_plan(graph, Precision::f16, picture).planes;
        EXPECT_GT(psnr(half, expected), 50) << width << "x" << height;
    }
}

// Padded by mirroring, painted, cropped, as every executor does it.
TEST_P(CudaPlan, PaintsBytesOfAnySize)
{
    const Graph graph = graph_of(GetParam());
    for (const auto &[width, height, pixel] : {std::tuple{1, 1, 3}, {13, 10, 4}, {33, 18, 3}}) {
        std::vector<std::uint8_t> bytes(std::size_t(width) * height * pixel);
        for (std::size_t i = 0; i < bytes.size(); ++i)
            bytes[i] = static_cast<std::uint8_t>(i * 37 % 251);
        Planes padded(3, padded_side(height, graph.multiple, graph.minimum),
                      padded_side(width, graph.multiple, graph.minimum));
        for (int c = 0; c < 3; ++c)
            for (int y = 0; y < padded.height; ++y)
                for (int x = 0; x < padded.width; ++x)
                    padded.at(c, y, x) =
                        float(bytes[(std::size_t(mirrored(y, height)) * width + mirrored(x, width)) * pixel +
                                    c]) /
                            127.5F -
                        1;
        const Planes expected = run_reference(graph, padded);
        const auto painted = test::run_plan(graph, Precision::f32, bytes, {width, height, pixel});
        for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x)
                for (int c = 0; c < 3; ++c)
                    EXPECT_NEAR(painted.bytes[(std::size_t(y) * width + x) * 3 + c],
                                (std::clamp(expected.at(c, y, x), -1.0F, 1.0F) + 1) * 127.5F, 0.6)
                        << width << "x" << height << " at " << x << "," << y;
    }
}

INSTANTIATE_TEST_SUITE_P(All, CudaPlan,
                         testing::Values(Case{"lite", "lite"},
                                         Case{"lite_of_4", "lite", Upsampling::legacy, 4},
                                         Case{"legacy", "animeganv2"},
                                         Case{"align_corners", "animeganv2", Upsampling::align_corners},
                                         Case{"half_pixel", "animeganv2", Upsampling::half_pixel}),
                         [](const auto &tested) { return std::string(tested.param.name); });

std::size_t steps_of(const cuda::Plan &plan, std::size_t kind)
{
    std::size_t count = 0;
    for (const cuda::Step &step : plan.steps)
        count += step.index() == kind;
    return count;
}

// One pass a convolution; the depthwise convolutions and the picture's end do their normalisation themselves.
TEST(CudaPlan, ReadsAnimeGanV2sValuesOnceBetweenConvolutions)
{
    const Graph graph = graph_of({"", "animeganv2"});
    cuda::Packing packing(Precision::f16);
    const cuda::Plan plan = make_plan(graph, {1920, 1080}, packing, 132);
    const auto count = [&](auto kind) { return steps_of(plan, cuda::Step(kind).index()); };
    EXPECT_EQ(count(cuda::Conv{}), 20U);
    EXPECT_EQ(count(cuda::Depthwise{}), 4U);
    EXPECT_EQ(count(cuda::Moments{}), 20U);
    EXPECT_EQ(count(cuda::Affine{}), 24U);
    EXPECT_EQ(count(cuda::Apply{}), 19U);
    EXPECT_EQ(count(cuda::Read{}), 1U);
    EXPECT_EQ(count(cuda::Write{}), 1U);
}

TEST(CudaPlan, NeedsLittleMemoryAt1080p)
{
    const auto bytes = [](const Case &c) {
        cuda::Packing packing(Precision::f16);
        return make_plan(graph_of(c), {1920, 1080}, packing, 132).arena_bytes >> 20;
    };
    EXPECT_LE(bytes({"", "animeganv2"}), 640U);
    EXPECT_LE(bytes({"", "lite"}), 80U);
}

TEST(CudaPlan, PacksWeightsOnceForAllSizes)
{
    const Graph graph = graph_of({"", "lite"});
    cuda::Packing packing(Precision::f16);
    make_plan(graph, {8, 8}, packing, 132);
    const std::size_t size = packing.bytes().size();
    EXPECT_GT(size, 0U);
    make_plan(graph, {640, 480, 4}, packing, 132);
    EXPECT_EQ(packing.bytes().size(), size);
}

// Values that are needed at the same time lie beside each other.
TEST(CudaPlan, LaysNoValueOverOneThatIsStillNeeded)
{
    const auto buffer = [](int n) { return cuda::unbound<std::byte>(cuda::first_of_arena + n, 0); };
    std::vector<cuda::Step> steps;
    for (const auto &[from, to, residual] : {std::tuple{-1, 0, -1}, {0, 1, -1}, {1, 2, -1}, {2, 3, 0}}) {
        cuda::Apply step;
        step.source = from < 0 ? nullptr : buffer(from);
        step.residual = residual < 0 ? nullptr : buffer(residual);
        step.out = buffer(to);
        steps.emplace_back(step);
    }
    const auto layout = cuda::lay_out(steps, {1000, 500, 1500, 700});
    EXPECT_EQ(layout.addresses.size(), 4U);
    EXPECT_EQ(layout.addresses[2], 0U) << "the largest first";
    EXPECT_EQ(layout.addresses[0], 1536U);
    EXPECT_EQ(layout.addresses[3], 2560U);
    EXPECT_EQ(layout.addresses[1], 2560U);
    EXPECT_EQ(layout.bytes, 3584U);
}

} // namespace
} // namespace anime
