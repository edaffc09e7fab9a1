// SPDX-License-Identifier: LGPL-2.1-or-later
// Every operation of the reference on values small enough to work out by hand.
#include "tests/models/tiny_models.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace anime
{
namespace
{

using test::tensor;
using testing::FloatNear;
using testing::Pointwise;

Planes planes(int channels, int height, int width, const std::vector<float> &values)
{
    Planes p(channels, height, width);
    EXPECT_EQ(values.size(), p.data.size());
    p.data = values;
    return p;
}

void expect_values(const Planes &actual, int channels, int height, int width,
                   const std::vector<float> &values)
{
    EXPECT_EQ(actual.channels, channels);
    EXPECT_EQ(actual.height, height);
    EXPECT_EQ(actual.width, width);
    EXPECT_THAT(actual.data, Pointwise(FloatNear(1e-6F), values));
}

Planes run(const Node &node, const Planes &x)
{
    return run_reference_node(node, {&x});
}

// Each pixel of a 2×2 square becomes a channel: top left, top right, bottom left, bottom right.
TEST(Reference, UnshuffleMakesChannelsOfPixelsAndShuffleUndoesIt)
{
    const Planes x = planes(1, 2, 4, {0, 1, 2, 3, 4, 5, 6, 7});
    const Planes y = run({.op = Op::unshuffle, .channels = 4, .factor = 2}, x);
    expect_values(y, 4, 1, 2, {0, 2, 1, 3, 4, 6, 5, 7});
    expect_values(run({.op = Op::shuffle, .channels = 1, .factor = 2}, y), 1, 2, 4, x.data);
}

TEST(Reference, ConvCorrelatesAndAddsTheBias)
{
    Node conv{.op = Op::conv, .channels = 1, .kernel = 3};
    conv.weight = tensor("w", {1, 1, 3, 3}, {0, 0, 0, 1, 0, 10, 0, 100, 0});
    conv.bias = tensor("b", {1}, {0.5F});
    // The left neighbour, ten times the right one and a hundred times the one below.
    expect_values(run(conv, planes(1, 3, 3, {0, 0, 0, 1, 2, 3, 0, 4, 0})), 1, 1, 1, {1 + 30 + 400 + 0.5F});
}

struct PaddingCase {
    const char *what;
    std::array<int, 4> pad;
    int stride;
    std::vector<float> expected;
};

class ReferencePadding : public testing::TestWithParam<PaddingCase>
{
};

// The kernel sums a row of three, so the borders show what stands outside.
TEST_P(ReferencePadding, StandsOutsideThePicture)
{
    const PaddingCase &param = GetParam();
    Node conv{.op = Op::conv, .channels = 1, .kernel = 3, .stride = param.stride};
    conv.padding = Padding::reflect;
    conv.pad = param.pad;
    conv.weight = tensor("w", {1, 1, 3, 3}, {0, 0, 0, 1, 1, 1, 0, 0, 0});
    const Planes y = run(conv, planes(1, 3, 4, {0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0}));
    const std::vector<float> row(y.data.begin() + (y.height > 1 ? y.width : 0),
                                 y.data.begin() + (y.height > 1 ? 2 : 1) * y.width);
    EXPECT_EQ(row, param.expected) << param.what;
}

INSTANTIATE_TEST_SUITE_P(
    All, ReferencePadding,
    testing::Values(
        PaddingCase{"reflect leaves out the edge itself", {1, 1, 1, 1}, 1, {2 + 1 + 2, 6, 9, 3 + 4 + 3}},
        PaddingCase{"stride 2 starts at the first pixel", {0, 1, 0, 0}, 2, {6, 3 + 4 + 3}}));

TEST(Reference, GroupsKeepChannelsApart)
{
    Node conv{.op = Op::conv, .channels = 2, .groups = 2};
    conv.weight = tensor("w", {2, 1, 1, 1}, {2, 3});
    expect_values(run(conv, planes(2, 1, 2, {1, 10, 100, 1000})), 2, 1, 2, {2, 20, 300, 3000});
}

// Mean 3 and variance 4 over both channels together; then each has its own scale and bias.
TEST(Reference, NormIsOverTheWholeImageAndAllChannels)
{
    Node norm{.op = Op::norm, .channels = 2};
    norm.weight = tensor("gamma", {2}, {1, 10});
    norm.bias = tensor("beta", {2}, {0, 5});
    expect_values(run(norm, planes(2, 1, 2, {1, 1, 5, 5})), 2, 1, 2, {-1, -1, 15, 15});
    norm.eps = 12; // sqrt(4 + 12) = 4
    expect_values(run(norm, planes(2, 1, 2, {1, 1, 5, 5})), 2, 1, 2, {-0.5F, -0.5F, 10, 10});
}

TEST(Reference, PointwiseOperations)
{
    const Planes x = planes(1, 1, 3, {-2, 0, 3});
    expect_values(run({.op = Op::activation, .channels = 1, .slope = 0.2F}, x), 1, 1, 3, {-0.4F, 0, 3});
    expect_values(run({.op = Op::tanh, .channels = 1}, x), 1, 1, 3, {std::tanh(-2.0F), 0, std::tanh(3.0F)});
    expect_values(run({.op = Op::clamp, .channels = 1}, x), 1, 1, 3, {-1, 0, 1});
    const Planes y = planes(1, 1, 3, {1, 2, 3});
    expect_values(run_reference_node({.op = Op::add, .channels = 1}, {&x, &y}), 1, 1, 3, {-1, 2, 6});
}

struct UpsamplingCase {
    Upsampling upsampling;
    std::vector<float> expected;
};

class ReferenceUpsampling : public testing::TestWithParam<UpsamplingCase>
{
};

TEST_P(ReferenceUpsampling, PlacesItsSamples)
{
    const Node node{.op = Op::upsample, .channels = 1, .upsampling = GetParam().upsampling};
    const Planes wide = run(node, planes(1, 1, 2, {0, 3}));
    expect_values(wide, 1, 2, 4, [&] {
        std::vector<float> twice = GetParam().expected;
        twice.insert(twice.end(), GetParam().expected.begin(), GetParam().expected.end());
        return twice;
    }());
    const Planes high = run(node, planes(1, 2, 1, {0, 3}));
    for (int i = 0; i < 4; ++i)
        EXPECT_FLOAT_EQ(high.at(0, i, 0), GetParam().expected[i]) << "row " << i;
}

INSTANTIATE_TEST_SUITE_P(All, ReferenceUpsampling,
                         testing::Values(UpsamplingCase{Upsampling::legacy, {0, 1.5F, 3, 3}},
                                         UpsamplingCase{Upsampling::align_corners, {0, 1, 2, 3}},
                                         UpsamplingCase{Upsampling::half_pixel, {0, 0.75F, 2.25F, 3}}));

TEST(Reference, ThumbnailAveragesAreas)
{
    const Node half{.op = Op::thumbnail, .channels = 1, .factor = 2};
    expect_values(run(half, planes(1, 2, 4, {0, 2, 4, 8, 10, 20, 30, 50})), 1, 2, 2, {1, 6, 15, 40});
    // Three pixels in two cells: the middle one belongs to both.
    expect_values(run(half, planes(1, 1, 3, {0, 2, 4})), 1, 2, 2, {1, 3, 1, 3});
    // One pixel fills every cell.
    expect_values(run(half, planes(1, 1, 1, {7})), 1, 2, 2, {7, 7, 7, 7});
}

TEST(Reference, TheGlobalBranch)
{
    const Planes mean = run({.op = Op::spatial_mean, .channels = 2}, planes(2, 1, 2, {1, 3, -2, -4}));
    expect_values(mean, 2, 1, 1, {2, -3});

    Node linear{.op = Op::linear, .channels = 3};
    linear.weight = tensor("w", {3, 2}, {1, 0, 0, 1, 1, 1});
    linear.bias = tensor("b", {3}, {10, 20, 30});
    expect_values(run(linear, mean), 3, 1, 1, {12, 17, 29});

    // From offset 1 on: scales 1 and 2, biases 3 and 4.
    const Planes v = planes(5, 1, 1, {100, 1, 2, 3, 4});
    const Planes x = planes(2, 1, 1, {10, 20});
    expect_values(run_reference_node({.op = Op::modulate, .channels = 2, .offset = 1}, {&x, &v}), 2, 1, 1,
                  {10 * 2 + 3, 20 * 3 + 4});
}

} // namespace
} // namespace anime
