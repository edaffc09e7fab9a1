// SPDX-License-Identifier: LGPL-2.1-or-later
// What turns a graph into a plan, piece by piece: chains, forms, phases, borders, the order of the strips;
// with the costs of the CPU.
#include "models/compiler/chains.h"
#include "models/compiler/forms.h"
#include "models/compiler/phases.h"
#include "models/compiler/schedule.h"
#include "models/error.h"
#include "models/executors/onednn/costs.h"
#include "models/padding.h"
#include "tests/models/owned_tensor.h"
#include "tests/models/tiny_models.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace anime::compiler
{
namespace
{

Graph animeganv2(Upsampling upsampling)
{
    return build_graph("animeganv2", test::animeganv2_model().tensors, upsampling);
}

TEST(Chains, NormActivationAndResidualJoinTheirConvolution)
{
    const Graph graph = animeganv2(Upsampling::legacy);
    int residuals = 0;
    for (const Chain &chain : find_chains(graph)) {
        const Node &node = graph.nodes[chain.start];
        EXPECT_FALSE(chain.pass) << node.name;
        if (node.op != Op::conv)
            continue;
        const bool last = node.name == "out_layer.0";
        EXPECT_EQ(chain.tanh, last) << node.name;
        EXPECT_EQ(chain.norm < 0, last) << node.name;
        residuals += chain.residual >= 0;
    }
    EXPECT_EQ(residuals, 3);
}

TEST(Chains, OnlyLegacyUpsamplingIsFoldedIntoTheConvolution)
{
    for (Upsampling upsampling : {Upsampling::legacy, Upsampling::align_corners, Upsampling::half_pixel}) {
        const Graph graph = animeganv2(upsampling);
        const auto chains = find_chains(graph);
        const auto upsamples = std::ranges::count_if(
            chains, [&](const Chain &chain) { return graph.nodes[chain.start].op == Op::upsample; });
        const auto folded = std::ranges::count_if(chains, &Chain::upsampled);
        const bool legacy = upsampling == Upsampling::legacy;
        EXPECT_EQ(upsamples, legacy ? 0 : 2) << to_string(upsampling);
        EXPECT_EQ(folded, legacy ? 2 : 0) << to_string(upsampling);
    }
}

TEST(Chains, RefuseAnOperationWhereNoPassCanDoIt)
{
    Graph graph;
    graph.nodes.resize(3);
    graph.nodes[0] = {.op = Op::input, .name = "input", .channels = 3};
    graph.nodes[1] = {.op = Op::tanh, .name = "tanh", .inputs = {0}, .channels = 3};
    graph.nodes[2] = {.op = Op::clamp, .name = "clamp", .inputs = {1}, .channels = 3};
    try {
        find_chains(graph);
        FAIL() << "it found a way";
    } catch (const Error &error) {
        EXPECT_EQ(error.code(), "model-unsupported");
    }
}

TEST(Forms, AreNoNarrowerThanThePrecision)
{
    const Graph graph = animeganv2(Upsampling::legacy);
    const auto chains = find_chains(graph);
    for (const auto &[precision, narrowest] :
         {std::pair{Precision::f32, Type::f32}, {Precision::bf16, Type::bf16}})
        for (const ChainForms &forms : choose_forms(graph, chains, precision, onednn::costs()))
            for (const Form &form : forms.forms)
                EXPECT_GE(size_of(form.type), size_of(narrowest)) << to_string(precision);
}

TEST(Forms, QuantisedValuesCoverTheirCalibratedRange)
{
    const Graph graph = build_graph("lite", test::lite_model(8, 12, 1, true).tensors, {});
    const auto chains = find_chains(graph);
    const auto forms = choose_forms(graph, chains, Precision::int8, onednn::costs());
    int checked = 0;
    for (const Chain &reader : chains) {
        const Node &node = graph.nodes[reader.start];
        if (reader.pass || node.op != Op::conv || !node.range)
            continue;
        for (std::size_t i = 0; i < chains.size(); ++i) {
            if (chains[i].end != reader.source || graph.nodes[chains[i].start].op == Op::input)
                continue;
            for (const Form &form : forms[i].forms) {
                if (form.type != Type::u8)
                    continue;
                for (std::size_t c = 0; c < node.range->hi.size(); ++c) {
                    const float scale = form.quant->scale[c];
                    EXPECT_LE(-form.quant->zero[c] * scale, std::min(node.range->lo[c], 0.0F) + scale);
                    EXPECT_GE((255 - form.quant->zero[c]) * scale, node.range->hi[c] - scale);
                    ++checked;
                }
            }
        }
    }
    EXPECT_GT(checked, 0);
}

// Four small convolutions of the low resolution instead of one of the upsampled value.
TEST(Phases, EqualUpsamplingFollowedByTheConvolution)
{
    constexpr int height = 5;
    constexpr int width = 4;
    Planes low(2, height, width);
    for (std::size_t i = 0; i < low.data.size(); ++i)
        low.data[i] = std::sin(static_cast<float>(i));
    const WeightPtr weight = test::random_tensor("w", {1, 2, 3, 3}, 1);
    const Planes doubled = run_reference_node({.op = Op::upsample, .channels = 2}, {&low});
    const Planes wanted = run_reference_node({.op = Op::conv,
                                              .channels = 1,
                                              .weight = weight,
                                              .kernel = 3,
                                              .padding = Padding::reflect,
                                              .pad = {1, 1, 1, 1}},
                                             {&doubled});
    const auto at = [](int i, int n) { return i >= n ? n - 1 : mirrored(i, n); };
    for (int y = 0; y < 2 * height; ++y)
        for (int x = 0; x < 2 * width; ++x) {
            const Phase phase = make_phase(weight->data, y % 2, x % 2);
            float sum = 0;
            std::size_t tap = 0;
            for (int c = 0; c < 2; ++c)
                for (int ky = 0; ky < phase.height; ++ky)
                    for (int kx = 0; kx < phase.width; ++kx)
                        sum += phase.weights[tap++] * low.at(c, at(y / 2 + ky - (y % 2 ? 0 : 1), height),
                                                             at(x / 2 + kx - (x % 2 ? 0 : 1), width));
            EXPECT_NEAR(sum, wanted.at(0, y, x), 1e-5F) << x << "," << y;
        }
}

TEST(Border, MirrorsThePictureHoweverItIsCutIntoStrips)
{
    constexpr int side = 6;
    for (int strip : {1, 2, 6}) {
        test::OwnedTensor owned(Type::f32, 1, side, side, {3, 2, 3, 2, Fill::reflect});
        for (int y = 0; y < side; y += strip) {
            for (int row = y; row < y + strip; ++row) {
                for (int x = 0; x < side; ++x)
                    owned.row(row)[x] = static_cast<float>(10 * row + x);
                owned.tensor.fill_sides(row);
            }
            owned.tensor.fill_ends(y, y + strip);
        }
        for (int y = -3; y < side + 2; ++y)
            for (int x = -3; x < side + 2; ++x)
                EXPECT_EQ(owned.row(y)[x], 10 * mirrored(y, side) + mirrored(x, side))
                    << x << "," << y << " in strips of " << strip;
    }
}

TEST(Border, OfAFoldedUpsamplingRepeatsTheLastRowAndColumn)
{
    test::OwnedTensor owned(Type::f32, 1, 3, 3, {1, 1, 1, 1, Fill::reflect_then_repeat});
    for (int y = 0; y < 3; ++y) {
        for (int x = 0; x < 3; ++x)
            owned.row(y)[x] = static_cast<float>(10 * y + x);
        owned.tensor.fill_sides(y);
    }
    owned.tensor.fill_ends(0, 3);
    EXPECT_EQ(owned.row(-1)[-1], 11);
    EXPECT_EQ(owned.row(3)[3], 22);
    EXPECT_EQ(owned.row(-1)[3], 12);
}

/// Writes 1000 + y into row y once everything that it reads holds what it should.
class Checked final : public Stage
{
public:
    Checked(std::string name, Tensor *in, int reach, Tensor &out)
        : Stage(std::move(name), out.height), in_(in), reach_(reach), out_(out)
    {
        if (in)
            inputs = {in};
        outputs = {&out};
    }

    Rows needs(std::size_t, Rows rows) const override
    {
        return {in_->border.top + std::max(0, rows.begin - reach_),
                in_->border.top + std::min(in_->height, rows.end + reach_)};
    }

    void run(Rows rows) override
    {
        EXPECT_EQ(rows.begin, done) << name;
        done = rows.end;
        if (in_) {
            for (Rows r = needs(0, rows); r.begin < r.end; ++r.begin) {
                EXPECT_EQ(*reinterpret_cast<float *>(in_->bordered_row(r.begin)), 1000.0F + r.begin)
                    << name << " reads row " << r.begin;
            }
        }
        for (int y = rows.begin; y < rows.end; ++y)
            for (int x = 0; x < out_.width; ++x)
                reinterpret_cast<float *>(out_.row(y))[x] = 1000.0F + y;
    }

    int done = 0;

private:
    Tensor *in_;
    int reach_;
    Tensor &out_;
};

TEST(Schedule, WritesEachRowOnceAndKeepsItAsLongAsItIsRead)
{
    for (std::size_t strip_bytes : {std::size_t{1} << 12, std::size_t{1} << 30}) {
        std::vector<Tensor> tensors(4);
        for (Tensor &tensor : tensors) {
            tensor.name = "tensor " + std::to_string(&tensor - tensors.data());
            tensor.channels = 1;
            tensor.height = 200;
            tensor.width = 32;
        }
        std::vector<std::unique_ptr<Stage>> stages;
        stages.push_back(std::make_unique<Checked>("first", nullptr, 0, tensors[0]));
        stages.push_back(std::make_unique<Checked>("second", &tensors[0], 1, tensors[1]));
        stages.push_back(std::make_unique<Checked>("third", &tensors[1], 3, tensors[2]));
        stages.push_back(std::make_unique<Checked>("late", &tensors[2], 0, tensors[3]));
        stages.back()->after = {stages[2].get()};
        const Schedule schedule = make_schedule(stages, strip_bytes);

        std::vector<std::byte> arena(schedule.arena_bytes);
        for (const auto &[tensor, offset] : schedule.offsets)
            tensor->data = arena.data() + offset;
        for (const Step &step : schedule.steps) {
            if (step.kind == Step::Kind::run)
                step.stage->run(step.rows);
            else if (step.kind == Step::Kind::slide)
                step.tensor->slide(step.keep, step.kept);
        }
        for (const auto &stage : stages)
            EXPECT_EQ(static_cast<const Checked &>(*stage).done, 200) << stage->name;
        if (strip_bytes == std::size_t{1} << 12) {
            EXPECT_LT(tensors[0].window, 200) << "a window is enough between stages in step";
        }
        EXPECT_EQ(tensors[2].window, 200) << "a stage that waits for all of a value needs all of it";
    }
}

} // namespace
} // namespace anime::compiler
