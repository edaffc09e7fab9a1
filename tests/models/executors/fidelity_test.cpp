// SPDX-License-Identifier: LGPL-2.1-or-later
// What the oneDNN executor paints against what libtorch paints, in float, on whatever instruction set is left
// to oneDNN (DNNL_MAX_CPU_ISA).
#include "models/error.h"
#include "models/executors/onednn/calibration.h"
#include "models/executors/onednn/kernels/isa.h"
#include "models/executors/onednn/precision.h"
#include "models/executors/torch/module.h"
#include "models/model.h"
#include "tests/models/float_pictures.h"
#include "tests/models/tiny_models.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

namespace anime
{
namespace
{

const std::string hayao = ANIME_SHARED "/models/animeganv2_hayao.pt";

struct Pixels {
    int width;
    int height;
    std::vector<std::uint8_t> bytes = std::vector<std::uint8_t>(std::size_t(3) * width * height);

    ConstImage view() const { return {bytes.data(), width, height, 3L * width, 3}; }
};

/// Smooth areas, edges and texture.
Pixels photo(int width, int height)
{
    Pixels out{width, height};
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (int c = 0; c < 3; ++c)
                out.bytes[(std::size_t(y) * width + x) * 3 + c] =
                    static_cast<std::uint8_t>(120 + 70 * std::sin(0.05 * x + c) * std::cos(0.07 * y - c) +
                                              (x * y / 64 % 3) * 20 + (x / 40 + y / 24) % 2 * 30);
    return out;
}

class Fidelity : public testing::Test
{
protected:
    void SetUp() override
    {
        try {
            torch_module();
        } catch (const Error &error) {
            GTEST_SKIP() << error.what();
        }
    }
};

class FidelityOfUpsampling : public Fidelity, public testing::WithParamInterface<Upsampling>
{
};

TEST_P(FidelityOfUpsampling, F32PaintsAnimeganv2AsTorchDoes)
{
    const Graph graph = build_graph("animeganv2", test::animeganv2_model(GetParam()).tensors, GetParam());
    for (const auto &[width, height] : {std::pair{96, 64}, {37, 50}}) {
        const Pixels in = photo(width, height);
        EXPECT_LE(test::max_difference(test::paint_onednn(graph, onednn::Precision::f32, in.view()),
                                       test::paint_torch(graph, in.view())),
                  1e-3F)
            << width << "x" << height;
    }
}

INSTANTIATE_TEST_SUITE_P(All, FidelityOfUpsampling,
                         testing::Values(Upsampling::legacy, Upsampling::align_corners,
                                         Upsampling::half_pixel));

TEST_F(Fidelity, F32PaintsLiteAsTorchDoes)
{
    const Graph graph = build_graph("lite", test::lite_model(16, 24, 2).tensors, {});
    const Pixels in = photo(90, 141);
    EXPECT_LE(test::max_difference(test::paint_onednn(graph, onednn::Precision::f32, in.view()),
                                   test::paint_torch(graph, in.view())),
              1e-3F);
}

TEST_F(Fidelity, F32PaintsTheRealHayaoAsTorchDoes)
{
    if (!std::filesystem::exists(hayao))
        GTEST_SKIP() << hayao << " is not there";
    const auto model = load_model(hayao);
    const Pixels in = photo(160, 128);
    EXPECT_LE(test::max_difference(test::paint_onednn(model->graph, onednn::Precision::f32, in.view()),
                                   test::paint_torch(model->graph, in.view())),
              1e-3F);
}

TEST_F(Fidelity, Bf16OfTheRealHayaoIsCloseToTorch)
{
    if (!std::filesystem::exists(hayao))
        GTEST_SKIP() << hayao << " is not there";
    if (!onednn::isa().bf16)
        GTEST_SKIP() << onednn::isa().name << " has no bf16 arithmetic";
    const auto model = load_model(hayao);
    const Pixels in = photo(160, 128);
    EXPECT_GE(test::psnr(test::paint_onednn(model->graph, onednn::Precision::bf16, in.view()),
                         test::paint_torch(model->graph, in.view())),
              52);
    EXPECT_EQ(onednn::choose_precision(*model, "auto"), onednn::Precision::bf16) << "as the catalogue says";
}

/// Floors for random weights, which are less kind to rounding than trained ones.
struct Floor {
    const char *architecture;
    double bf16;
    double int8;
};

class FidelityFloor : public Fidelity, public testing::WithParamInterface<Floor>
{
protected:
    static Graph graph()
    {
        const bool lite = std::string(GetParam().architecture) == "lite";
        const Graph plain = build_graph(
            GetParam().architecture, (lite ? test::lite_model(32, 48, 2) : test::animeganv2_model()).tensors,
            lite ? std::nullopt : std::optional(Upsampling::legacy));
        const Pixels seen = photo(128, 96);
        return onednn::with_ranges(plain, onednn::measure_ranges(plain, {seen.view()}));
    }
};

TEST_P(FidelityFloor, LowPrecisionIsCloseToTorch)
{
    if (!onednn::isa().bf16 && !onednn::bytes_precision())
        GTEST_SKIP() << onednn::isa().name << " has neither bf16 nor int8 arithmetic";
    const Graph model = graph();
    const Pixels in = photo(132, 100);
    const Planes exact = test::paint_torch(model, in.view());
    if (onednn::isa().bf16) {
        EXPECT_GE(test::psnr(test::paint_onednn(model, onednn::Precision::bf16, in.view()), exact),
                  GetParam().bf16);
    }
    if (const auto bytes = onednn::bytes_precision()) {
        EXPECT_GE(test::psnr(test::paint_onednn(model, *bytes, in.view()), exact), GetParam().int8);
    }
}

INSTANTIATE_TEST_SUITE_P(All, FidelityFloor,
                         testing::Values(Floor{"animeganv2", 50, 36}, Floor{"lite", 58, 44}),
                         [](const auto &info) { return std::string(info.param.architecture); });

} // namespace
} // namespace anime
