// SPDX-License-Identifier: LGPL-2.1-or-later
// The second frame of a size finds all its memory ready.
#include "models/executors/executor.h"
#include "models/executors/onednn/kernels/isa.h"
#include "tests/models/allocations.h"
#include "tests/models/tiny_models.h"

#include <gtest/gtest.h>

namespace anime
{
namespace
{

/// The largest block that a frame may still ask for: oneDNN makes a small table of the arguments of each
/// primitive that it runs. Rows and pictures are far larger.
constexpr std::size_t bookkeeping = 4096;

class SecondFrame : public testing::TestWithParam<const char *>
{
};

TEST_P(SecondFrame, AllocatesNoBuffers)
{
    if (!test::can_count_allocations())
        GTEST_SKIP() << "the sanitizer's own malloc is in place";
    // What oneDNN has no kernels for it does by its GEMM, which allocates what it packs, each time anew.
    if (const std::string &set = onednn::isa().name; set == "sse41" || set == "generic")
        GTEST_SKIP() << "on " << set << " oneDNN does convolutions with strides or few channels by its GEMM";
    const bool lite = std::string(GetParam()) == "lite";
    auto model = std::make_shared<Model>();
    model->name = model->architecture = GetParam();
    model->graph =
        build_graph(GetParam(), (lite ? test::lite_model(16, 24, 2) : test::animeganv2_model()).tensors,
                    lite ? std::nullopt : std::optional(Upsampling::legacy));
    const auto painter = make_onednn_painter(model, {.precision = "f32", .threads = 2});
    constexpr int side = 200; // high enough for two bands
    const std::vector<std::uint8_t> in(std::size_t(3) * side * side, 100);
    std::vector<std::uint8_t> out(in.size());
    const std::atomic<bool> cancel = false;
    const auto paint = [&] {
        test::take_allocations();
        painter->paint({in.data(), side, side, 3L * side, 3}, {out.data(), side, side, 3L * side, 3}, cancel);
        return test::take_allocations();
    };

    const test::Allocations first = paint();
    const test::Allocations second = paint();
    const test::Allocations third = paint();
    EXPECT_GT(first.largest, bookkeeping) << "the first frame allocates, so the count works";
    EXPECT_LE(second.largest, bookkeeping);
    EXPECT_LE(second.bytes, std::size_t{512} << 10) << second.count << " allocations";
    EXPECT_EQ(second.bytes, third.bytes);
}

INSTANTIATE_TEST_SUITE_P(All, SecondFrame, testing::Values("animeganv2", "lite"),
                         [](const auto &info) { return std::string(info.param); });

} // namespace
} // namespace anime
