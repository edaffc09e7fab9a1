// SPDX-License-Identifier: LGPL-2.1-or-later
// The torch executor paints what the reference computes, opens what people publish, and fails in words.
#include "models/error.h"
#include "models/executors/executor.h"
#include "models/executors/slot.h"
#include "models/executors/torch/module.h"
#include "models/model.h"
#include "models/padding.h"
#include "models/painter.h"
#include "tests/models/executors/torch_files.h"
#include "tests/models/temporary_folder.h"
#include "tests/models/tiny_models.h"

#include <ATen/Context.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <future>
#include <iterator>
#include <latch>
#include <thread>

namespace anime
{
namespace
{

using testing::HasSubstr;

const std::string hayao = ANIME_SHARED "/models/animeganv2_hayao.pt";
const std::atomic<bool> never = false;

/// Runs a graph in the module without the detour through 8-bit pixels.
Planes run_torch(const Graph &graph, const Planes &picture)
{
    const AnimeTorchApi &torch = torch_module();
    AnimeTorchNetwork *network = nullptr;
    AnimeTorchError error{};
    EXPECT_TRUE(torch.open_graph(&graph, "cpu", "f32", 2, &network, &error)) << error.message;
    Planes painted(3, picture.height, picture.width);
    std::size_t bytes = 0;
    EXPECT_TRUE(torch.run(network, picture.data.data(), painted.data.data(), picture.width, picture.height,
                          &never, &bytes, &error))
        << error.message;
    torch.close(network);
    return painted;
}

struct Pixels {
    int width;
    int height;
    std::vector<std::uint8_t> data = std::vector<std::uint8_t>(std::size_t(3) * width * height, 128);

    Image view() { return {data.data(), width, height, 3 * width, 3}; }
};

Pixels gradient(int width, int height)
{
    Pixels p{width, height};
    for (std::size_t i = 0; i < p.data.size(); ++i)
        p.data[i] = static_cast<std::uint8_t>(i * 37 % 251);
    return p;
}

TEST(Torch, PaintsLiteLikeTheReference)
{
    const Graph graph = build_graph("lite", test::lite_model(8, 12, 2).tensors, {});
    for (const auto &[height, width] : {std::pair{8, 8}, {64, 52}, {20, 96}}) {
        const Planes picture = test::picture(height, width);
        EXPECT_LT(test::max_difference(run_torch(graph, picture), run_reference(graph, picture)), 1e-4F);
    }
}

// A GPU's tensor cores would round what is called f32 to 10 bits of mantissa.
TEST(Torch, AllowsNoTf32)
{
    torch_module();
    EXPECT_FALSE(at::globalContext().allowTF32CuDNN());
    EXPECT_FALSE(at::globalContext().allowTF32CuBLAS());
}

class TorchUpsampling : public testing::TestWithParam<Upsampling>
{
};

TEST_P(TorchUpsampling, PaintsAnimeGanV2LikeTheReference)
{
    const Graph graph = build_graph("animeganv2", test::animeganv2_model().tensors, GetParam());
    const Planes picture = test::picture(12, 20);
    EXPECT_LT(test::max_difference(run_torch(graph, picture), run_reference(graph, picture)), 1e-3F);
}

INSTANTIATE_TEST_SUITE_P(All, TorchUpsampling,
                         testing::Values(Upsampling::legacy, Upsampling::align_corners,
                                         Upsampling::half_pixel));

TEST(Torch, PaintsTheRealHayaoLikeTheReference)
{
    if (!std::filesystem::exists(hayao))
        GTEST_SKIP() << hayao << " is not there";
    const auto model = load_model(hayao);
    EXPECT_EQ(model->name, "animeganv2_hayao");
    EXPECT_THAT(model->licence, HasSubstr("non-commercial"));
    EXPECT_EQ(model->digest, "9944daf6964a72a927fc2ac50fa3f8b8d4277024fd5ff55f1166edf00802e5d4");
    const Planes picture = test::picture(32, 40);
    EXPECT_LT(test::max_difference(run_torch(model->graph, picture), run_reference(model->graph, picture)),
              1e-3F);
}

class TorchPainter : public testing::Test
{
protected:
    TorchPainter() { write_safetensors(path_, test::lite_model()); }

    std::shared_ptr<Painter> open(const std::string &model) const
    {
        return open_painter({.model = model, .executor = "torch", .device = "cpu"});
    }

    test::TemporaryFolder folder_;
    std::filesystem::path path_ = folder_.path() / "tiny.safetensors";
};

TEST_F(TorchPainter, TellsWhatItIs)
{
    const auto painter = open(path_);
    EXPECT_EQ(painter->info().model, "tiny");
    EXPECT_EQ(painter->info().architecture, "lite");
    EXPECT_EQ(painter->info().executor, "torch");
    EXPECT_EQ(painter->info().device, "cpu");
    EXPECT_EQ(painter->info().precision, "f32");
    EXPECT_EQ(painter->info().licence, "CC0");
    EXPECT_EQ(painter->info().face_size, 64);
    EXPECT_GE(painter->info().threads, 1U);
    EXPECT_EQ(open(path_), painter) << "equal settings share one painter";
}

// Padded by mirroring, painted, cropped: the same as the reference on the padded picture, to one grey level.
TEST_F(TorchPainter, PaintsAnySize)
{
    const auto model = load_model(path_);
    const auto painter = open(path_);
    for (const auto &[width, height] : {std::pair{1, 1}, {3, 2}, {8, 8}, {33, 17}, {2, 40}}) {
        Pixels in = gradient(width, height);
        Pixels out{width, height};
        const PaintStats stats = painter->paint(as_const(in.view()), out.view(), never);
        EXPECT_GT(stats.inference_ns, 0U);
        EXPECT_GT(stats.memory_bytes, 0U);

        Planes padded(3, padded_side(height, 4, 8), padded_side(width, 4, 8));
        for (int c = 0; c < 3; ++c)
            for (int y = 0; y < padded.height; ++y)
                for (int x = 0; x < padded.width; ++x)
                    padded.at(c, y, x) =
                        float(in.view().at(mirrored(x, width), mirrored(y, height))[c]) / 127.5F - 1;
        const Planes expected = run_reference(model->graph, padded);
        for (int c = 0; c < 3; ++c)
            for (int y = 0; y < height; ++y)
                for (int x = 0; x < width; ++x)
                    EXPECT_NEAR(out.view().at(x, y)[c], (expected.at(c, y, x) + 1) * 127.5F, 0.51)
                        << width << "x" << height << " at " << x << "," << y;
    }
}

TEST_F(TorchPainter, RespectsStridesAndTheFourthByte)
{
    const auto painter = open(path_);
    Pixels plain_in = gradient(10, 9);
    Pixels plain_out{10, 9};
    painter->paint(as_const(plain_in.view()), plain_out.view(), never);

    constexpr int stride = 64;
    std::vector<std::uint8_t> in(stride * 9, 7);
    std::vector<std::uint8_t> out(stride * 9, 7);
    for (int y = 0; y < 9; ++y)
        for (int x = 0; x < 10; ++x)
            std::copy_n(plain_in.view().at(x, y), 3, &in[y * stride + 4 * x]);
    painter->paint({in.data(), 10, 9, stride, 4}, {out.data(), 10, 9, stride, 4}, never);
    for (int y = 0; y < 9; ++y)
        for (int byte = 0; byte < stride; ++byte) {
            const bool colour = byte < 40 && byte % 4 != 3;
            EXPECT_EQ(out[y * stride + byte], colour ? plain_out.view().at(byte / 4, y)[byte % 4] : 7);
        }
}

TEST_F(TorchPainter, StopsWhenCancelled)
{
    const std::atomic<bool> cancelled = true;
    Pixels in = gradient(8, 8);
    Pixels out{8, 8};
    try {
        open(path_)->paint(as_const(in.view()), out.view(), cancelled);
        FAIL();
    } catch (const Error &error) {
        EXPECT_EQ(error.code(), "cancelled");
    }
    EXPECT_NO_THROW(open(path_)->paint(as_const(in.view()), out.view(), never));
}

TEST_F(TorchPainter, PaintsFromSeveralThreads)
{
    const auto painter = open(path_);
    Pixels in = gradient(24, 24);
    const auto paint = [&] {
        Pixels out{24, 24};
        painter->paint(as_const(in.view()), out.view(), never);
        return out.data;
    };
    const auto expected = paint();
    std::vector<std::future<std::vector<std::uint8_t>>> results;
    for (int i = 0; i < 4; ++i)
        results.push_back(std::async(std::launch::async, paint));
    for (auto &result : results)
        EXPECT_EQ(result.get(), expected);
}

std::size_t threads_of_this_process()
{
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

// Pipelines paint from threads of their own; a pool of OpenMP's for each would be threads without a bound.
TEST_F(TorchPainter, NeedsNoThreadsForAnotherThreadThatPaints)
{
    const auto painter = open_painter({.model = path_, .executor = "torch", .device = "cpu", .threads = 3});
    const auto paint = [&] {
        Pixels in = gradient(256, 256); // enough for libtorch to divide among threads
        Pixels out{256, 256};
        painter->paint(as_const(in.view()), out.view(), never);
    };
    paint();
    const std::size_t before = threads_of_this_process();

    constexpr int callers = 4;
    std::latch painted(callers);
    std::promise<void> counted;
    const std::shared_future<void> end = counted.get_future().share();
    std::vector<std::thread> threads;
    for (int i = 0; i < callers; ++i)
        threads.emplace_back([&] {
            paint();
            painted.count_down();
            end.wait();
        });
    painted.wait();
    EXPECT_EQ(threads_of_this_process(), before + callers);
    counted.set_value();
    for (auto &thread : threads)
        thread.join();
}

TEST_F(TorchPainter, UsesTheCoresThatTheProcessMayUse)
{
    EXPECT_EQ(open(path_)->info().threads, usable_cores());
}

TEST_F(TorchPainter, RunsTorchScript)
{
    const std::string path = folder_.path() / "negative.pt";
    test::write_script(path, "return x * self.scale", -1);
    for (const char *executor : {"torch", "auto"}) {
        const auto painter = open_painter({.model = path, .executor = executor, .device = "cpu"});
        EXPECT_EQ(painter->info().architecture, "torchscript");
        EXPECT_EQ(painter->info().model, "negative");
        EXPECT_EQ(painter->info().digest.size(), 64U);
        Pixels in = gradient(5, 3);
        Pixels out{5, 3};
        painter->paint(as_const(in.view()), out.view(), never);
        for (std::size_t i = 0; i < in.data.size(); ++i)
            EXPECT_EQ(out.data[i], 255 - in.data[i]);
    }
}

TEST_F(TorchPainter, RefusesTorchScriptThatReturnsNoPicture)
{
    const std::string path = folder_.path() / "half.pt";
    test::write_script(path, "return (x * self.scale)[:, :, ::2]", 1);
    Pixels in = gradient(8, 8);
    Pixels out{8, 8};
    try {
        open(path)->paint(as_const(in.view()), out.view(), never);
        FAIL();
    } catch (const Error &error) {
        EXPECT_EQ(error.code(), "model-unsupported");
        EXPECT_THAT(error.remedy(), HasSubstr("(1, 3, H, W)"));
    }
}

TEST_F(TorchPainter, SaysWhyItCanNot)
{
    std::ofstream(folder_.path() / "page.pt") << "<html>404 not found</html>";
    test::write_script(folder_.path() / "script.pt", "return x * self.scale", 1);
    const std::string file = path_;
    const std::vector<std::tuple<PaintSettings, std::string, std::string>> cases = {
        {{.model = file, .executor = "torch", .device = "cuda:99"}, "device-missing", "cuda:99"},
        {{.model = file, .executor = "torch", .device = "tpu"}, "device-missing", "'tpu' is not a device"},
        {{.model = file, .executor = "torch", .precision = "int8"}, "precision-unsupported", "int8"},
        {{.model = file, .executor = "torch", .device = "cpu", .precision = "f16"},
         "precision-unsupported",
         "paints in f32 on cpu, not in f16"},
        {{.model = folder_.path() / "none.pt", .executor = "torch"},
         "model-missing",
         "There is no model file"},
        {{.model = folder_.path() / "page.pt", .executor = "torch"}, "model-invalid", "no zip archive"},
        {{.model = folder_.path() / "script.pt", .executor = "onednn"}, "model-unsupported", "TorchScript"},
    };
    for (const auto &[settings, code, message] : cases) {
        try {
            open_painter(settings);
            ADD_FAILURE() << message;
        } catch (const Error &error) {
            EXPECT_EQ(error.code(), code) << error.what();
            EXPECT_THAT(error.what(), HasSubstr(message));
        }
    }
}

} // namespace
} // namespace anime
