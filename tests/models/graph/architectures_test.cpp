// SPDX-License-Identifier: LGPL-2.1-or-later
// Graphs are built from weights that fit, and only from those.
#include "models/error.h"
#include "tests/models/tiny_models.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

namespace anime
{
namespace
{

using testing::HasSubstr;

TEST(Architectures, AnimeGanV2HasTheLayersOfThePublishedNetwork)
{
    const Safetensors model = test::animeganv2_model();
    EXPECT_EQ(model.tensors.size(), 77U);
    const Graph graph = build_graph("animeganv2", model.tensors, Upsampling::legacy);
    EXPECT_EQ(graph.multiple, 4);
    EXPECT_EQ(graph.minimum, 8); // a reflection of one pixel at a quarter of the size needs two
    EXPECT_EQ(graph.nodes.front().op, Op::input);
    EXPECT_EQ(graph.nodes.back().op, Op::tanh);

    // Multiply-adds of a 512×512 picture, layer by layer: 105.1 G.
    double macs = 0;
    std::vector<double> side(graph.nodes.size());
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        const Node &node = graph.nodes[i];
        side[i] = node.inputs.empty() ? 512 : side[node.inputs[0]] / node.stride;
        if (node.op == Op::upsample)
            side[i] *= 2;
        if (node.op == Op::conv)
            macs += double(node.weight->data.size()) * side[i] * side[i];
    }
    EXPECT_NEAR(macs / 1e9, 105.14, 0.01);
}

TEST(Architectures, LiteReadsItsWidthsAndDepthFromTheWeights)
{
    const Safetensors narrow = test::lite_model(4, 6, 1);
    const Safetensors wide = test::lite_model(8, 10, 3);
    EXPECT_EQ(build_graph("lite", narrow.tensors, {}).minimum, 8);
    const Graph graph = build_graph("lite", wide.tensors, Upsampling::half_pixel);
    EXPECT_EQ(graph.multiple, 4);
    int adds = 0;
    for (const Node &node : graph.nodes)
        adds += node.op == Op::add;
    EXPECT_EQ(adds, 3 + 1); // one a block, and the skip
    EXPECT_EQ(run_reference(graph, test::picture(16, 12)).channels, 3);
}

TEST(Architectures, TheQuickLiteWorksOnBlocksOfFourPixels)
{
    const Graph graph = build_graph("lite", test::lite_model(4, 6, 1, false, 4).tensors, {});
    EXPECT_EQ(graph.multiple, 8);
    const Planes out = run_reference(graph, test::picture(24, 16));
    EXPECT_EQ(out.channels, 3);
    EXPECT_EQ(out.height, 24);
    EXPECT_EQ(out.width, 16);
}

TEST(Architectures, CalibrationBecomesTheRangeOfItsConv)
{
    const Safetensors model = test::lite_model(4, 6, 1, true);
    const Graph graph = build_graph("lite", model.tensors, {});
    for (const Node &node : graph.nodes) {
        if (node.op != Op::conv)
            continue;
        ASSERT_TRUE(node.range) << node.name;
        EXPECT_EQ(node.range->lo, model.tensors.at(node.name + ".input_lo")->data);
        EXPECT_EQ(node.range->hi, model.tensors.at(node.name + ".input_hi")->data);
    }
}

struct BadWeights {
    const char *what;
    std::function<void(Safetensors &)> damage;
    const char *message;
};

class ArchitecturesRefuse : public testing::TestWithParam<BadWeights>
{
};

void replace(Safetensors &model, const std::string &name, const std::vector<std::int64_t> &shape)
{
    model.tensors[name] = test::random_tensor(name, shape, 1);
}

TEST_P(ArchitecturesRefuse, WeightsThatDoNotFit)
{
    Safetensors model = test::lite_model(4, 6, 2, true);
    GetParam().damage(model);
    try {
        build_graph("lite", model.tensors, {});
        FAIL() << GetParam().what;
    } catch (const Error &error) {
        EXPECT_EQ(error.code(), "model-invalid");
        EXPECT_THAT(error.what(), HasSubstr(GetParam().message));
    }
}

INSTANTIATE_TEST_SUITE_P(
    All, ArchitecturesRefuse,
    testing::Values(
        BadWeights{"missing", [](Safetensors &m) { m.tensors.erase("down.bias"); }, "'down.bias' is missing"},
        BadWeights{"unknown", [](Safetensors &m) { replace(m, "extra", {1}); }, "no tensor 'extra'"},
        BadWeights{"block without its second half",
                   [](Safetensors &m) { m.tensors.erase("block2.conv2.weight"); },
                   "'block2.conv2.weight' is missing"},
        BadWeights{"gap between blocks", [](Safetensors &m) { m.tensors.erase("block1.conv1.weight"); },
                   "no tensor 'block1"},
        BadWeights{"rank",
                   [](Safetensors &m) {
                       replace(m, "stem.weight", {4, 12, 9});
                   },
                   "[4, 12, 9] instead of [n, 12, 3, 3]"},
        BadWeights{"kernel",
                   [](Safetensors &m) {
                       replace(m, "stem.weight", {4, 12, 5, 5});
                   },
                   "'stem.weight' has the shape"},
        BadWeights{"input channels",
                   [](Safetensors &m) {
                       replace(m, "down.weight", {6, 5, 3, 3});
                   },
                   "'down.weight' has the shape"},
        BadWeights{"bias length", [](Safetensors &m) { replace(m, "stem.bias", {5}); }, "'stem.bias'"},
        BadWeights{"skip of another width",
                   [](Safetensors &m) {
                       replace(m, "up.weight", {5, 6, 1, 1});
                       replace(m, "up.bias", {5});
                   },
                   "'up.weight' has the shape"},
        BadWeights{"global vector too short",
                   [](Safetensors &m) {
                       replace(m, "global.fc2.weight", {10, 8});
                       replace(m, "global.fc2.bias", {10});
                   },
                   "'global.fc2' has 10 values"},
        BadWeights{"global vector too long",
                   [](Safetensors &m) {
                       replace(m, "global.fc2.weight", {40, 8});
                       replace(m, "global.fc2.bias", {40});
                   },
                   "'global.fc2' gives 40 values instead of 28"},
        BadWeights{"data shorter than the shape",
                   [](Safetensors &m) {
                       m.tensors["stem.bias"] = test::tensor("stem.bias", {4}, {1, 2, 3});
                   },
                   "3 values instead of 4"},
        BadWeights{"NaN",
                   [](Safetensors &m) {
                       m.tensors["stem.bias"] = test::tensor("stem.bias", {4}, {1, 2, NAN, 4});
                   },
                   "'stem.bias' has values that are not finite"},
        BadWeights{"infinity",
                   [](Safetensors &m) {
                       m.tensors["stem.bias"] = test::tensor("stem.bias", {4}, {1, 2, INFINITY, 4});
                   },
                   "not finite"},
        BadWeights{"half a range", [](Safetensors &m) { m.tensors.erase("up.input_hi"); },
                   "'up.input_hi' is missing"},
        BadWeights{"range the wrong way round",
                   [](Safetensors &m) { std::swap(m.tensors["up.input_lo"], m.tensors["up.input_hi"]); },
                   "is empty in channel"}));

TEST(Architectures, TheUpsamplingBelongsToTheModel)
{
    EXPECT_THROW(build_graph("animeganv2", test::animeganv2_model().tensors, {}), Error);
    EXPECT_THROW(build_graph("lite", test::lite_model().tensors, Upsampling::legacy), Error);
    for (const auto upsampling : {Upsampling::legacy, Upsampling::align_corners, Upsampling::half_pixel})
        EXPECT_EQ(parse_upsampling(to_string(upsampling)), upsampling);
    EXPECT_FALSE(parse_upsampling("nearest"));
}

TEST(Architectures, AnUnknownOneIsUnsupported)
{
    try {
        build_graph("vgg", {}, {});
        FAIL();
    } catch (const Error &error) {
        EXPECT_EQ(error.code(), "model-unsupported");
        EXPECT_THAT(error.remedy(), HasSubstr("animeganv2, lite"));
    }
}

} // namespace
} // namespace anime
