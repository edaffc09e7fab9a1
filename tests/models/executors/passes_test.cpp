// SPDX-License-Identifier: LGPL-2.1-or-later
// What turns a graph into a plan, piece by piece: chains, forms, phases, borders, the order of the strips,
// and the loops between the convolutions.
#include "models/compiler/chains.h"
#include "models/compiler/forms.h"
#include "models/compiler/phases.h"
#include "models/compiler/schedule.h"
#include "models/error.h"
#include "models/executors/onednn/calibration.h"
#include "models/executors/onednn/costs.h"
#include "models/executors/onednn/kernels/isa.h"
#include "models/executors/onednn/kernels/kernels.h"
#include "models/executors/onednn/kernels/lanes.h"
#include "models/executors/onednn/stages/affine.h"
#include "models/executors/onednn/stages/moments_stage.h"
#include "models/executors/onednn/stages/upsample_stage.h"
#include "models/padding.h"
#include "tests/models/tiny_models.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace anime::onednn
{
namespace
{

Graph animeganv2(Upsampling upsampling)
{
    return build_graph("animeganv2", test::animeganv2_model().tensors, upsampling);
}

/// A tensor with memory of its own, all of it in the window.
struct Owned {
    Tensor tensor;
    std::vector<std::byte> memory;

    Owned(Type type, int channels, int height, int width, Border border = {})
    {
        tensor.type = type;
        tensor.channels = channels;
        tensor.height = height;
        tensor.width = width;
        tensor.border = border;
        tensor.window = tensor.bordered_rows();
        memory.resize(tensor.window * tensor.row_bytes());
        tensor.data = memory.data();
    }

    float *row(int y) { return reinterpret_cast<float *>(tensor.row(y)); }
};

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
        for (const ChainForms &forms : choose_forms(graph, chains, precision, costs()))
            for (const Form &form : forms.forms)
                EXPECT_GE(size_of(form.type), size_of(narrowest)) << to_string(precision);
}

TEST(Forms, QuantisedValuesCoverTheirCalibratedRange)
{
    const Graph graph = build_graph("lite", test::lite_model(8, 12, 1, true).tensors, {});
    const auto chains = find_chains(graph);
    const auto forms = choose_forms(graph, chains, Precision::int8, costs());
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
        Owned owned(Type::f32, 1, side, side, {3, 2, 3, 2, Fill::reflect});
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
    Owned owned(Type::f32, 1, 3, 3, {1, 1, 1, 1, Fill::reflect_then_repeat});
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

TEST(Affine, NormalisesOverAllPartsAndThenModulates)
{
    const Moments low{.sum = 4, .squares = 10, .count = 4};
    const Moments high{.sum = 12, .squares = 38, .count = 4};
    const Vector modulation = {9, 0.5F, -0.5F, 2, 3};
    AffineSpec spec;
    spec.moments = {&low, &high};
    spec.gamma = {1, 2};
    spec.beta = {0, 1};
    const Affine norm = resolve(spec, 2);
    // mean 2, variance 6 − 4 = 2
    const float inverse = 1 / std::sqrt(2.0F);
    EXPECT_FLOAT_EQ(norm.scale[1], 2 * inverse);
    EXPECT_FLOAT_EQ(norm.shift[1], 1 - 4 * inverse);

    spec.modulation = &modulation;
    spec.offset = 1;
    const Affine both = resolve(spec, 2);
    EXPECT_FLOAT_EQ(both.scale[0], norm.scale[0] * 1.5F);
    EXPECT_FLOAT_EQ(both.shift[0], norm.shift[0] * 1.5F + 2);
    EXPECT_FLOAT_EQ(both.scale[1], norm.scale[1] * 0.5F);
    EXPECT_FLOAT_EQ(both.shift[1], norm.shift[1] * 0.5F + 3);
}

TEST(Moments, LeaveTheBorderOut)
{
    Owned owned(Type::f32, 2, 4, 3, {1, 1, 1, 1, Fill::reflect});
    std::fill_n(reinterpret_cast<float *>(owned.memory.data()), owned.memory.size() / sizeof(float), 1e6F);
    double sum = 0;
    double squares = 0;
    for (int y = 0; y < 4; ++y)
        for (int i = 0; i < 6; ++i) {
            const float v = static_cast<float>(y) - 0.3F * static_cast<float>(i);
            owned.row(y)[i] = v;
            sum += v;
            squares += v * v;
        }
    MomentsStage stage(owned.tensor);
    for (int frame = 0; frame < 2; ++frame) {
        stage.begin();
        stage.run({0, 3});
        stage.run({3, 4});
        EXPECT_NEAR(stage.moments().sum, sum, 1e-4);
        EXPECT_NEAR(stage.moments().squares, squares, 1e-4);
        EXPECT_EQ(stage.moments().count, 24);
    }
}

/// Every kind of pass of both sets. Fused multiplication may round a tie the other way.
template <typename Wide>
void check_passes(const Kernels &wanted, const Kernels &got, void (*Kernels::*run)(const Pass<Wide> &),
                  const std::vector<Wide> &in)
{
    const std::size_t n = in.size();
    const std::vector<float> zero(n, 20);
    std::vector<float> scale(n), shift(n);
    for (std::size_t i = 0; i < n; ++i) {
        scale[i] = 1 + 0.01F * static_cast<float>(i % 7);
        shift[i] = 0.1F * static_cast<float>(i % 5);
    }
    std::vector<std::uint8_t> bytes(n), others(n);
    std::vector<Wide> wide(n), wides(n);
    const std::vector<std::uint8_t> added(n, 31);
    const auto tolerance = std::is_same_v<Wide, float> ? 1e-2F : 1.0F; // of bf16 the last digit
    enum Residual { none, wide_one, byte_one };
    for (const auto &[residual, writes_wide, writes_bytes] : {std::tuple{none, false, true},
                                                              {none, true, false},
                                                              {none, true, true},
                                                              {wide_one, false, true},
                                                              {wide_one, true, false},
                                                              {wide_one, true, true},
                                                              {byte_one, false, true},
                                                              {byte_one, true, true}}) {
        Pass<Wide> pass;
        pass.in = in.data();
        pass.unit = scale.data();
        pass.zero = zero.data();
        pass.slope = 0.2F;
        pass.residual = residual == wide_one ? in.data() : nullptr;
        pass.byte_residual = residual == byte_one ? added.data() : nullptr;
        pass.residual_scale = scale.data();
        pass.residual_shift = shift.data();
        pass.values = n;
        for (const bool scales : {false, true}) {
            pass.scale = scales ? scale.data() : nullptr;
            pass.shift = scales ? shift.data() : nullptr;
            pass.wide = writes_wide ? wide.data() : nullptr;
            pass.bytes = writes_bytes ? bytes.data() : nullptr;
            (wanted.*run)(pass);
            pass.wide = writes_wide ? wides.data() : nullptr;
            pass.bytes = writes_bytes ? others.data() : nullptr;
            (got.*run)(pass);
            for (std::size_t i = 0; i < n; ++i) {
                ASSERT_NEAR(bytes[i], others[i], 1);
                ASSERT_NEAR(wide[i], wides[i], tolerance);
            }
        }
    }
}

// The portable loops say what every other set has to compute.
TEST(KernelSets, Agree)
{
    constexpr std::size_t n = 1037; // of no vector's width
    std::vector<float> in(n), scale(n), shift(n);
    for (std::size_t i = 0; i < n; ++i) {
        in[i] = 3 * std::sin(0.1F * static_cast<float>(i));
        scale[i] = 1 + 0.01F * static_cast<float>(i % 7);
        shift[i] = 0.1F * static_cast<float>(i % 5);
    }
    const Kernels *sets[3];
    const std::size_t count = runnable_kernels(sets);
    EXPECT_STREQ(kernels().isa, sets[count - 1]->isa);
    for (std::size_t s = 1; s < count; ++s) {
        SCOPED_TRACE(sets[s]->isa);
        const Kernels &wanted = *sets[0];
        const Kernels &got = *sets[s];
        std::vector<float> a = in, b = in;
        wanted.affine(a.data(), scale.data(), shift.data(), 0.2F, n);
        got.affine(b.data(), scale.data(), shift.data(), 0.2F, n);
        for (std::size_t i = 0; i < n; ++i)
            ASSERT_NEAR(a[i], b[i], 1e-5F);

        std::vector<std::uint16_t> half(n), other(n);
        wanted.store_bf16(in.data(), half.data(), n);
        got.store_bf16(in.data(), other.data(), n);
        EXPECT_EQ(half, other);

        check_passes<std::uint16_t>(wanted, got, &Kernels::pass_bf16, half);
        check_passes<float>(wanted, got, &Kernels::pass_f32, in);
        wanted.blend_bf16(half.data(), half.data() + 1, 0.25F, a.data(), n - 1);
        got.blend_bf16(half.data(), half.data() + 1, 0.25F, b.data(), n - 1);
        for (std::size_t i = 0; i < n; ++i)
            ASSERT_NEAR(a[i], b[i], 1e-5F);
        const Sample samples[] = {{0, 1, 0.25F}, {1, 1, 0.0F}, {2, 0, 0.75F}};
        wanted.blend_pixels(in.data(), samples, 3, 37, a.data());
        got.blend_pixels(in.data(), samples, 3, 37, b.data());
        for (std::size_t i = 0; i < n; ++i)
            ASSERT_NEAR(a[i], b[i], 1e-5F);
        std::vector<std::uint8_t> bytes(n), others(n);
        for (std::size_t i = 0; i < n; ++i)
            bytes[i] = static_cast<std::uint8_t>(i * 37);
        const std::vector<std::uint8_t> residual = bytes;
        std::vector<std::uint32_t> totals(n, 7), more_totals(n, 7);
        wanted.add_bytes(residual.data(), totals.data(), n);
        got.add_bytes(residual.data(), more_totals.data(), n);
        EXPECT_EQ(totals, more_totals);
        wanted.to_bytes(in.data(), bytes.data(), n);
        got.to_bytes(in.data(), others.data(), n);
        for (std::size_t i = 0; i < n; ++i)
            ASSERT_NEAR(bytes[i], others[i], 1);

        double sums[2] = {0, 0}, more[2] = {0, 0};
        wanted.moments_f32(in.data(), n, sums);
        got.moments_f32(in.data(), n, more);
        EXPECT_NEAR(sums[0], more[0], 1e-2);
        EXPECT_NEAR(sums[1], more[1], 1e-2);
    }
}

/// 20 channels are no whole number of registers; columns come as in an upsampling, and once out of order.
template <typename Wide>
void check_upsampled_row(void (*Kernels::*run)(const UpsampledRow<Wide> &))
{
    constexpr int channels = 20;
    constexpr int columns = 5;
    std::vector<Wide> above(columns * channels), below(above.size());
    std::vector<float> scale(channels, 0.01F), shift(channels, -0.5F), unit(channels, 40), zero(channels, 90);
    for (std::size_t i = 0; i < above.size(); ++i) {
        const auto v = static_cast<float>(i);
        Scalar::store(std::sin(0.7F * v), &above[i]);
        Scalar::store(std::cos(0.3F * v), &below[i]);
    }
    std::vector<Sample> samples;
    for (int x = 0; x < 2 * columns; ++x)
        samples.push_back(upsampled_from(x, columns, Upsampling::half_pixel));
    std::swap(samples[2], samples[7]);
    std::vector<std::uint8_t> residual(samples.size() * channels), out(residual.size());
    for (std::size_t i = 0; i < residual.size(); ++i)
        residual[i] = static_cast<std::uint8_t>(i * 37);
    const Kernels *sets[3];
    const std::size_t count = runnable_kernels(sets);
    for (std::size_t s = 0; s < count; ++s) {
        SCOPED_TRACE(sets[s]->isa);
        (sets[s]->*run)({.above = above.data(),
                         .below = below.data(),
                         .weight = 0.25F,
                         .samples = samples.data(),
                         .pixels = samples.size(),
                         .channels = channels,
                         .residual = residual.data(),
                         .scale = scale.data(),
                         .shift = shift.data(),
                         .slope = 0.2F,
                         .unit = unit.data(),
                         .zero = zero.data(),
                         .out = out.data()});
        for (std::size_t i = 0; i < out.size(); ++i) {
            const Sample &sample = samples[i / channels];
            const std::size_t c = i % channels;
            const auto column = [&](int x) {
                const std::size_t at = static_cast<std::size_t>(x) * channels + c;
                return 0.75F * Scalar::load(&above[at]) + 0.25F * Scalar::load(&below[at]);
            };
            float v = (1 - sample.weight) * column(sample.a) + sample.weight * column(sample.b) +
                      0.01F * static_cast<float>(residual[i]) - 0.5F;
            v = std::max(v, 0.2F * v) * 40 + 90;
            ASSERT_NEAR(out[i], std::clamp(v, 0.0F, 255.0F), 0.51F) << i;
        }
    }
}

TEST(KernelSets, UpsampleARowAsTheFormulaSays)
{
    check_upsampled_row<std::uint16_t>(&Kernels::upsample_row_bf16);
    check_upsampled_row<float>(&Kernels::upsample_row_f32);
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

TEST(Calibration, FindsTheRangeOfEachChannel)
{
    const Graph graph = animeganv2(Upsampling::legacy);
    std::vector<std::uint8_t> bytes;
    for (int i = 0; i < 32 * 32; ++i)
        bytes.insert(bytes.end(), {static_cast<std::uint8_t>(i % 2 ? 255 : 0), 128, 51});
    const auto ranges = measure_ranges(graph, {ConstImage{bytes.data(), 32, 32, 96, 3}});
    const InputRange &first = ranges.at("block_a.0.1");
    EXPECT_NEAR(first.lo[0], -1, 0.01);
    EXPECT_NEAR(first.hi[0], 1, 0.01);
    EXPECT_NEAR(first.lo[2], -0.6, 0.01);
    EXPECT_NEAR(first.hi[2], -0.6, 0.01);
    const Graph calibrated = with_ranges(graph, ranges);
    for (const Node &node : calibrated.nodes)
        EXPECT_EQ(node.range != nullptr, node.op == Op::conv) << node.name;
}

} // namespace
} // namespace anime::onednn
