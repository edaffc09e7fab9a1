// SPDX-License-Identifier: LGPL-2.1-or-later
// What lies between the convolutions: scale and shift, sums, the loops over pixels, and what calibration
// measures.
#include "models/executors/onednn/calibration.h"
#include "models/executors/onednn/kernels/isa.h"
#include "models/executors/onednn/kernels/kernels.h"
#include "models/executors/onednn/kernels/lanes.h"
#include "models/executors/onednn/stages/affine.h"
#include "models/executors/onednn/stages/moments_stage.h"
#include "models/executors/onednn/stages/upsample_stage.h"
#include "tests/models/owned_tensor.h"
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
    test::OwnedTensor owned(Type::f32, 2, 4, 3, {1, 1, 1, 1, Fill::reflect});
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
