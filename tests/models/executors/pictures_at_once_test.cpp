// SPDX-License-Identifier: LGPL-2.1-or-later
// The oneDNN executor with several pictures at once: each is painted as if it were alone.
#include "models/executors/executor.h"
#include "tests/models/tiny_models.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace anime
{
namespace
{

using Bytes = std::vector<std::uint8_t>;

std::shared_ptr<const Model> lite()
{
    auto model = std::make_shared<Model>();
    model->name = "lite";
    model->architecture = "lite";
    model->graph = build_graph("lite", test::lite_model().tensors, {});
    return model;
}

Bytes photo(int width, int height)
{
    Bytes bytes;
    for (int i = 0; i < width * height * 3; ++i)
        bytes.push_back(static_cast<std::uint8_t>(i * 7 + i / width * 13));
    return bytes;
}

Bytes paint(Painter &painter, int width, int height)
{
    const Bytes in = photo(width, height);
    Bytes out(in.size());
    const std::ptrdiff_t stride = std::ptrdiff_t{3} * width;
    const std::atomic<bool> cancel = false;
    painter.paint({in.data(), width, height, stride, 3}, {out.data(), width, height, stride, 3}, cancel);
    return out;
}

// Each has values of its own; the weights are packed once.
TEST(PicturesAtOnce, AreTheSameAsOneAfterTheOther)
{
    const auto model = lite();
    const auto alone = make_onednn_painter(model, {.precision = "f32", .threads = 1});
    const auto shared = make_onednn_painter(model, {.precision = "f32", .threads = 3, .pictures = 3});
    std::vector<std::thread> callers;
    for (int i = 0; i < 6; ++i)
        callers.emplace_back([&, width = 40 + 8 * (i % 3)] {
            const Bytes wanted = paint(*alone, width, 30);
            for (int n = 0; n < 10; ++n)
                EXPECT_EQ(paint(*shared, width, 30), wanted) << width;
        });
    for (std::thread &caller : callers)
        caller.join();
}

// Of many sizes the plans of a few are kept, for both.
TEST(PicturesAtOnce, MemoryStaysBoundedWithManySizes)
{
    constexpr int largest = 120;
    const auto model = lite();
    const auto alone = make_onednn_painter(model, {.precision = "f32", .threads = 1});
    for (int n = 0; n < 4; ++n)
        paint(*alone, largest - 8 * n, 32);
    const auto shared = make_onednn_painter(model, {.precision = "f32", .threads = 2, .pictures = 2});
    std::vector<std::thread> callers;
    for (int i = 0; i < 2; ++i)
        callers.emplace_back([&] {
            for (int width = 24; width <= largest; width += 8)
                paint(*shared, width, 32);
        });
    for (std::thread &caller : callers)
        caller.join();
    // Two of each, and the size that one of them is ahead.
    EXPECT_LE(shared->memory_bytes(), 3 * alone->memory_bytes());
}

// All threads have work, and threads that wait for each other are as few as may be.
TEST(PicturesAtOnce, ShareTheThreads)
{
    struct Case {
        unsigned threads;
        unsigned wanted; ///< 0: as many as are worth it
        unsigned pictures;
        unsigned each;
    };
    const Case cases[] = {
        {1, 1, 1, 1}, {8, 1, 1, 8}, {8, 2, 2, 4}, {2, 5, 2, 1}, {7, 2, 2, 3}, {1, 0, 1, 1}, {2, 0, 2, 1},
        {3, 0, 3, 1}, {4, 0, 4, 1}, {5, 0, 4, 1}, {6, 0, 3, 2}, {7, 0, 3, 2}, {8, 0, 4, 2}, {16, 0, 4, 4},
    };
    const auto model = lite();
    for (const auto &[threads, wanted, pictures, each] : cases) {
        SCOPED_TRACE(std::to_string(threads) + " threads, " + std::to_string(wanted) + " wanted");
        const auto painter =
            make_onednn_painter(model, {.precision = "f32", .threads = threads, .pictures = wanted});
        EXPECT_EQ(painter->info().pictures, pictures);
        EXPECT_EQ(painter->info().threads, each);
    }
}

} // namespace
} // namespace anime
