// SPDX-License-Identifier: LGPL-2.1-or-later
// Painters whose answers are known exactly.
#pragma once

#include "models/painter.h"

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <utility>

namespace anime
{

using Colour = std::array<std::uint8_t, 3>;
using PixelFunction = std::function<Colour(const std::uint8_t *rgb)>;

/// Paints each pixel by one function of it.
class FakePainter : public Painter
{
public:
    explicit FakePainter(PixelFunction function, const char *name = "fake", int face_size = 512)
        : function_(std::move(function))
    {
        info_.face_size = face_size;
        info_.model = name;
        info_.digest = "d1935";
        info_.executor = "fake-executor";
        info_.device = "cpu";
        info_.precision = "f32";
        info_.isa = "paper";
        info_.pictures = 16;
    }

    const PainterInfo &info() const override { return info_; }

    PaintStats paint(const ConstImage &in, const Image &out, const std::atomic<bool> &) override
    {
        for (int y = 0; y < in.height; ++y) {
            for (int x = 0; x < in.width; ++x) {
                const Colour colour = function_(in.at(x, y));
                std::copy(colour.begin(), colour.end(), out.at(x, y));
            }
        }
        width = in.width;
        height = in.height;
        ++calls;
        return {.wait_ns = 11, .inference_ns = 22, .memory_bytes = 33};
    }

    std::size_t memory_bytes() const override { return 33; }

    void set_graded(bool graded) { info_.graded = graded; }

    std::atomic<int> calls = 0;
    std::atomic<int> width = 0; ///< of the last picture
    std::atomic<int> height = 0;

private:
    PixelFunction function_;
    PainterInfo info_;
};

inline std::shared_ptr<FakePainter> flat_painter(Colour colour, const char *name = "flat",
                                                 int face_size = 512)
{
    return std::make_shared<FakePainter>([colour](const std::uint8_t *) { return colour; }, name, face_size);
}

inline std::shared_ptr<FakePainter> inverting_painter()
{
    return std::make_shared<FakePainter>([](const std::uint8_t *p) {
        return Colour{std::uint8_t(255 - p[0]), std::uint8_t(255 - p[1]), std::uint8_t(255 - p[2])};
    });
}

inline std::shared_ptr<FakePainter> copying_painter()
{
    return std::make_shared<FakePainter>([](const std::uint8_t *p) { return Colour{p[0], p[1], p[2]}; });
}

/// Stays in the first picture until it is cancelled.
class EndlessPainter : public FakePainter
{
public:
    EndlessPainter() : FakePainter([](const std::uint8_t *) { return Colour{}; }, "endless") {}

    PaintStats paint(const ConstImage &, const Image &, const std::atomic<bool> &cancel) override
    {
        if (!entered_once_.exchange(true))
            entered_.set_value();
        // The limit only ends a test that would otherwise hang.
        const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
        while (!cancel) {
            if (std::chrono::steady_clock::now() > limit)
                throw Error("internal", "never cancelled");
            std::this_thread::yield();
        }
        throw Error("cancelled", "cancelled");
    }

    void wait_until_entered() { entered_.get_future().wait(); }

private:
    std::promise<void> entered_;
    std::atomic<bool> entered_once_ = false;
};

} // namespace anime
