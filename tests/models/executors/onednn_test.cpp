// SPDX-License-Identifier: LGPL-2.1-or-later
// The oneDNN executor against the reference interpreter, on tiny models and pictures of many sizes.
#include "models/compiler/fold.h"
#include "models/error.h"
#include "models/executors/executor.h"
#include "models/executors/onednn/calibration.h"
#include "models/executors/onednn/kernels/isa.h"
#include "models/executors/onednn/plan.h"
#include "models/executors/onednn/precision.h"
#include "models/padding.h"
#include "tests/models/tiny_models.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <thread>

namespace anime
{
namespace
{

/// An RGB picture in memory of its own, with rows that are longer than they need to be.
struct Pixels {
    int width;
    int height;
    std::vector<std::uint8_t> bytes;

    Pixels(int w, int h) : width(w), height(h), bytes(std::size_t(stride()) * h, 7) {}
    int stride() const { return width * 3 + 5; }
    Image image() { return {bytes.data(), width, height, stride(), 3}; }
    ConstImage view() const { return {bytes.data(), width, height, stride(), 3}; }
};

Pixels photo(int width, int height)
{
    Pixels out(width, height);
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (int c = 0; c < 3; ++c)
                out.image().at(x, y)[c] =
                    static_cast<std::uint8_t>(128 + 90 * std::sin(0.37 * x + c) * std::cos(0.23 * y - c) +
                                              (x * 7 + y * 13 + c * 5) % 31);
    return out;
}

std::shared_ptr<Model> model(const Safetensors &file, const char *architecture,
                             std::optional<Upsampling> upsampling = {})
{
    auto out = std::make_shared<Model>();
    out->name = architecture;
    out->architecture = architecture;
    out->graph = build_graph(architecture, file.tensors, upsampling);
    return out;
}

/// What the reference paints, as bytes before rounding.
std::vector<float> expected(const Graph &graph, const Pixels &in)
{
    const int height = padded_side(in.height, graph.multiple, graph.minimum);
    const int width = padded_side(in.width, graph.multiple, graph.minimum);
    Planes picture(3, height, width);
    for (int c = 0; c < 3; ++c)
        for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x)
                picture.at(c, y, x) =
                    in.view().at(mirrored(x, in.width), mirrored(y, in.height))[c] / 127.5F - 1.0F;
    const Planes out = run_reference(graph, picture);
    std::vector<float> bytes;
    for (int y = 0; y < in.height; ++y)
        for (int x = 0; x < in.width; ++x)
            for (int c = 0; c < 3; ++c)
                bytes.push_back((out.at(c, y, x) + 1.0F) * 127.5F);
    return bytes;
}

struct Difference {
    double largest = 0; ///< in grey levels, beyond what rounding explains
    double psnr = 0;
};

Difference compare(const std::vector<float> &wanted, const Pixels &got)
{
    Difference out;
    double squares = 0;
    std::size_t i = 0;
    for (int y = 0; y < got.height; ++y)
        for (int x = 0; x < got.width; ++x)
            for (int c = 0; c < 3; ++c, ++i) {
                const double d = std::fabs(got.view().at(x, y)[c] - wanted[i]);
                out.largest = std::max(out.largest, d - 0.5);
                squares += d * d;
            }
    out.psnr = 10 * std::log10(255.0 * 255.0 * i / squares);
    return out;
}

Difference paint_and_compare(const Model &model, onednn::Precision precision, int width, int height)
{
    const Pixels in = photo(width, height);
    Pixels out(width, height);
    onednn::WeightCache cache;
    onednn::Plan plan(model.graph, precision, width, height, cache);
    const std::atomic<bool> cancel = false;
    plan.paint(in.view(), out.image(), cancel);
    return compare(expected(model.graph, in), out);
}

TEST(Onednn, PaintsLiteAsTheReferenceDoes)
{
    const auto lite = model(test::lite_model(), "lite");
    for (int size = 1; size <= 17; ++size) {
        SCOPED_TRACE(size);
        EXPECT_LT(paint_and_compare(*lite, onednn::Precision::f32, size, 18 - size).largest, 0.02);
    }
    EXPECT_LT(paint_and_compare(*lite, onednn::Precision::f32, 150, 333).largest, 0.02);
}

TEST(Onednn, PaintsTheQuickLiteAsTheReferenceDoes)
{
    const auto quick = model(test::lite_model(4, 6, 1, false, 4), "lite");
    for (int size = 1; size <= 17; ++size) {
        SCOPED_TRACE(size);
        EXPECT_LT(paint_and_compare(*quick, onednn::Precision::f32, size, 18 - size).largest, 0.02);
    }
    EXPECT_LT(paint_and_compare(*quick, onednn::Precision::f32, 150, 333).largest, 0.02);
}

TEST(Onednn, PaintsAnimeganv2AsTheReferenceDoes)
{
    for (Upsampling upsampling : {Upsampling::legacy, Upsampling::align_corners, Upsampling::half_pixel}) {
        SCOPED_TRACE(to_string(upsampling));
        const auto animegan = model(test::animeganv2_model(upsampling), "animeganv2", upsampling);
        for (const auto &[width, height] : {std::pair{1, 1}, std::pair{16, 9}, std::pair{33, 70}})
            EXPECT_LT(paint_and_compare(*animegan, onednn::Precision::f32, width, height).largest, 0.1);
    }
}

/// `lite` with the ranges that it shows on one picture.
std::shared_ptr<Model> calibrated(const Model &lite, const Pixels &picture)
{
    auto out = std::make_shared<Model>(lite);
    out->graph = onednn::with_ranges(lite.graph, onednn::measure_ranges(lite.graph, {picture.view()}));
    out->calibrated = true;
    return out;
}

TEST(Onednn, LowPrecisionStaysCloseToTheReference)
{
    const Pixels picture = photo(120, 96);
    const auto lite = calibrated(*model(test::lite_model(32, 48, 2), "lite"), picture);
    const auto bytes = onednn::bytes_precision();
    if (bytes) {
        EXPECT_GT(paint_and_compare(*lite, *bytes, 120, 96).psnr, 32);
        EXPECT_GT(paint_and_compare(*lite, *bytes, 13, 300).psnr, 25);
        const auto quick = calibrated(*model(test::lite_model(32, 48, 2, false, 4), "lite"), picture);
        EXPECT_GT(paint_and_compare(*quick, *bytes, 120, 96).psnr, 32);
    }
    if (onednn::isa().bf16) {
        EXPECT_GT(paint_and_compare(*lite, onednn::Precision::bf16, 120, 96).psnr, 40);
    }
    for (Upsampling upsampling : {Upsampling::legacy, Upsampling::align_corners}) {
        SCOPED_TRACE(to_string(upsampling));
        const auto animegan =
            calibrated(*model(test::animeganv2_model(upsampling), "animeganv2", upsampling), picture);
        if (bytes) {
            EXPECT_GT(paint_and_compare(*animegan, *bytes, 120, 96).psnr, 32);
        }
        if (onednn::isa().bf16) {
            EXPECT_GT(paint_and_compare(*animegan, onednn::Precision::bf16, 120, 96).psnr, 40);
        }
    }
}

TEST(Onednn, CalibrationFindsTheWholeRangeAndTheMean)
{
    Pixels picture(16, 16);
    for (int y = 0; y < 16; ++y)
        for (int x = 0; x < 16; ++x)
            std::fill_n(picture.image().at(x, y), 3, x == 3 && y == 5 ? 255 : 0);
    const auto ranges = onednn::measure_ranges(model(test::lite_model(), "lite")->graph, {picture.view()});
    // One white pixel among 64 of each unshuffled channel; x = 3, y = 5 is the last of four.
    const InputRange &stem = ranges.at("stem");
    EXPECT_EQ(stem.lo, std::vector<float>(12, -1.0F));
    EXPECT_EQ(stem.hi[3], 1.0F);
    EXPECT_FLOAT_EQ(stem.mean[3], -1.0F + 2.0F / 64);
    EXPECT_EQ(stem.hi[0], -1.0F);
}

// What the quantised convolution answers to an input that is its mean everywhere, and to any other flat one.
TEST(Onednn, RoundedWeightsKeepFlatAreas)
{
    constexpr int inputs = 2;
    constexpr int taps = 9;
    std::vector<float> weights;
    for (int i = 0; i < inputs * taps; ++i)
        weights.push_back(0.31F * std::sin(1.7F * static_cast<float>(i)) + 0.02F);
    const std::vector<float> bias = {0.25F};
    const std::vector<float> mean = {0.4F, -0.1F};
    const onednn::Quant quant{{0.01F, 0.002F}, {30, 128}};
    const onednn::Folded folded = onednn::fold({1, 1, taps, weights, bias, mean, false}, quant);
    const auto answer = [&](float x0, float x1) {
        double real = bias[0];
        double rounded = folded.bias[0];
        for (int i = 0; i < inputs; ++i)
            for (int t = 0; t < taps; ++t) {
                const float x = i ? x1 : x0;
                real += weights[i * taps + t] * x;
                rounded += folded.weights[i * taps + t] * (x / quant.scale[i] + quant.zero[i]);
            }
        return rounded * folded.scales[0] - real;
    };
    EXPECT_NEAR(answer(mean[0], mean[1]), 0, 1e-5);
    // Half a step of the weights for each input channel, times how far the input is from its mean.
    EXPECT_LE(std::fabs(answer(mean[0] + 1, mean[1])), 0.5 * folded.scales[0] / quant.scale[0] + 1e-5);
    for (float w : folded.weights) {
        EXPECT_EQ(w, std::nearbyint(w));
        EXPECT_LE(std::fabs(w), 127);
    }
}

std::string refusal(const Model &model, const std::string &precision)
{
    try {
        onednn::choose_precision(model, precision);
    } catch (const Error &error) {
        return error.code();
    }
    return "";
}

TEST(Onednn, AutoTakesTheFastestPrecisionThatTheModelAllows)
{
    using onednn::Precision;
    Model model;
    EXPECT_EQ(onednn::choose_precision(model, "auto"), Precision::f32);
    EXPECT_EQ(refusal(model, "int8"), "precision-unsupported");
    EXPECT_EQ(refusal(model, "int4"), "precision-unsupported");
    if (!onednn::isa().vnni || !onednn::isa().bf16)
        GTEST_SKIP() << onednn::isa().name << " has neither int8 nor bf16 arithmetic";
    model.calibrated = true;
    EXPECT_EQ(onednn::choose_precision(model, "auto"), Precision::f32) << "nothing was measured";
    EXPECT_EQ(onednn::choose_precision(model, "int8"), Precision::int8);
    model.fidelity = {{"int8", 42.1}, {"bf16", 54.5}};
    EXPECT_EQ(onednn::choose_precision(model, "auto"), Precision::int8);
    model.fidelity["int8"] = 36.2;
    EXPECT_EQ(onednn::choose_precision(model, "auto"), Precision::bf16);
    EXPECT_EQ(onednn::choose_precision(model, "int8"), Precision::int8);
    model.fidelity["bf16"] = 40;
    EXPECT_EQ(onednn::choose_precision(model, "auto"), Precision::f32);
}

/// oneDNN's own cap; each of its values is a run of these tests (tests/models/meson.build).
std::string cap()
{
    const char *name = std::getenv("DNNL_MAX_CPU_ISA");
    return name ? name : "";
}

TEST(Onednn, FallsBackToWhatTheCpuHasAndSaysSo)
{
    const onednn::Isa &isa = onednn::isa();
    if (cap() == "SSE41" || cap() == "AVX") {
        EXPECT_FALSE(isa.avx2 || isa.avx512 || isa.vnni || isa.bf16) << isa.name;
    }
    if (cap() == "AVX2") {
        EXPECT_FALSE(isa.avx512 || isa.vnni || isa.bf16) << isa.name;
    }
    if (cap() == "AVX2_VNNI") {
        EXPECT_FALSE(isa.avx512 || isa.bf16) << isa.name;
        EXPECT_EQ(isa.vnni, isa.name == "avx2_vnni");
    }
    if (cap() == "AVX512_CORE") {
        EXPECT_FALSE(isa.vnni || isa.bf16) << isa.name;
    }
    auto lite = model(test::lite_model(), "lite");
    const auto best = make_onednn_painter(lite, {.precision = "auto"});
    EXPECT_EQ(best->info().isa, isa.name);
    EXPECT_EQ(best->info().precision, "f32") << "not calibrated";

    Model calibrated = *lite;
    calibrated.calibrated = true;
    EXPECT_EQ(refusal(calibrated, "bf16"), isa.bf16 ? "" : "precision-unsupported");
    EXPECT_EQ(refusal(calibrated, "int8"), isa.avx2 ? "" : "precision-unsupported");
    calibrated.fidelity = {{"int8", 50}, {"bf16", 60}};
    EXPECT_EQ(onednn::choose_precision(calibrated, "auto"), isa.vnni   ? onednn::Precision::int8
                                                            : isa.bf16 ? onednn::Precision::bf16
                                                                       : onednn::Precision::f32)
        << "int8 in pairs was not measured";
    calibrated.fidelity = {{"int8", 36}, {"int8-paired", 45}, {"bf16", 40}};
    const bool paired = isa.avx2 && !isa.vnni;
    EXPECT_EQ(onednn::choose_precision(calibrated, "auto"),
              paired ? onednn::Precision::int8_paired : onednn::Precision::f32);
    const auto lite_bytes = std::make_shared<Model>(calibrated);
    if (paired) {
        EXPECT_EQ(make_onednn_painter(lite_bytes, {.precision = "int8"})->info().precision, "int8");
    }
}

// oneDNN may want another weight layout for another number of rows; no strip may fall back to its slow loops.
TEST(Onednn, NoConvolutionFallsBackToReferenceLoops)
{
    const auto animegan = model(test::animeganv2_model(), "animeganv2", Upsampling::legacy);
    onednn::WeightCache cache;
    for (const auto &[width, height] : {std::pair{384, 384}, std::pair{200, 150}}) {
        const onednn::Plan plan(animegan->graph, onednn::Precision::f32, width, height, cache);
        EXPECT_EQ(plan.describe().find("ref:"), std::string::npos) << plan.describe();
    }
}

// 200×333 gives bands of 83 and of 55 rows at half the size, none of which is a whole number of strips.
TEST(Onednn, BandsPaintWhatOneThreadPaints)
{
    const auto lite = model(test::lite_model(), "lite");
    const Pixels in = photo(200, 333);
    const std::atomic<bool> cancel = false;
    for (const auto precision : {onednn::Precision::f32, onednn::Precision::bf16}) {
        if (precision == onednn::Precision::bf16 && !onednn::isa().bf16)
            continue;
        onednn::WeightCache cache;
        Pixels whole(200, 333);
        onednn::Plan(lite->graph, precision, 200, 333, cache).paint(in.view(), whole.image(), cancel);
        for (int threads : {2, 3}) {
            onednn::Plan plan(lite->graph, precision, 200, 333, cache, threads);
            EXPECT_EQ(plan.describe().substr(0, 7), std::to_string(threads) + " bands");
            for (int frame = 0; frame < 2; ++frame) {
                Pixels out(200, 333);
                plan.paint(in.view(), out.image(), cancel);
                for (std::size_t i = 0; i < out.bytes.size(); ++i)
                    ASSERT_NEAR(out.bytes[i], whole.bytes[i], 1) << "row " << i / 600 << " of " << threads;
            }
        }
    }
}

TEST(Onednn, ACancelledFrameInBandsThrows)
{
    const auto lite = model(test::lite_model(), "lite");
    onednn::WeightCache cache;
    onednn::Plan plan(lite->graph, onednn::Precision::f32, 200, 333, cache, 2);
    const Pixels in = photo(200, 333);
    Pixels out(200, 333);
    const std::atomic<bool> cancel = true;
    EXPECT_THROW(plan.paint(in.view(), out.image(), cancel), Error);
}

// Stopping does not wait for a plan: whoever cancels is heard before every stage that is made or prepared,
// and what is left behind serves the next try.
TEST(Onednn, MakingAPlanCanBeEndedAtEveryStep)
{
    const auto lite = model(test::lite_model(), "lite");
    int steps = 0;
    {
        onednn::WeightCache cache;
        const onednn::Plan plan(lite->graph, onednn::Precision::f32, 200, 333, cache, 2, [&] { ++steps; });
        EXPECT_GE(steps, 2 * static_cast<int>(plan.stages().size()));
    }
    onednn::WeightCache cache;
    for (int last = 1; last <= steps; ++last) {
        int step = 0;
        const auto cancel = [&] {
            if (++step == last)
                throw Error("cancelled", "enough");
        };
        EXPECT_THROW(onednn::Plan(lite->graph, onednn::Precision::f32, 200, 333, cache, 2, cancel), Error);
        EXPECT_EQ(step, last) << "nothing is done after it";
    }
    onednn::Plan plan(lite->graph, onednn::Precision::f32, 200, 333, cache, 2);
    const Pixels in = photo(200, 333);
    Pixels out(200, 333);
    const std::atomic<bool> cancel = false;
    EXPECT_NO_THROW(plan.paint(in.view(), out.image(), cancel));
}

TEST(Onednn, ManyCallersShareOnePainter)
{
    const auto painter =
        make_onednn_painter(model(test::lite_model(), "lite"), {.precision = "f32", .threads = 2});
    const Pixels in = photo(40, 30);
    const std::atomic<bool> cancel = false;
    Pixels wanted(40, 30);
    painter->paint(in.view(), wanted.image(), cancel);

    std::vector<Pixels> painted(8, Pixels(40, 30));
    std::vector<std::thread> callers;
    for (Pixels &out : painted)
        callers.emplace_back([&] { painter->paint(in.view(), out.image(), cancel); });
    for (std::thread &caller : callers)
        caller.join();
    for (const Pixels &out : painted)
        EXPECT_EQ(out.bytes, wanted.bytes);
}

TEST(Onednn, ACancelledCallStops)
{
    const auto painter = make_onednn_painter(model(test::lite_model(), "lite"), {.precision = "f32"});
    const Pixels in = photo(40, 30);
    Pixels out(40, 30);
    const std::atomic<bool> cancel = true;
    try {
        painter->paint(in.view(), out.image(), cancel);
        FAIL() << "it painted";
    } catch (const Error &error) {
        EXPECT_EQ(error.code(), "cancelled");
    }
}

} // namespace
} // namespace anime
