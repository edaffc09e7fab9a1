// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/facepaint/background_detector.h"

#include <cstring>
#include <utility>

namespace anime
{

BackgroundDetector::~BackgroundDetector()
{
    {
        const std::lock_guard guard(lock_);
        ending_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable())
        thread_.join();
}

void BackgroundDetector::look(const ConstImage &frame, const DetectionLimits &limits)
{
    const std::lock_guard guard(lock_);
    if (wanted_ || working_ || Clock::now() < rested_)
        return;
    const auto bytes = static_cast<std::size_t>(frame.width) * static_cast<std::size_t>(frame.pixel);
    pixels_.resize(bytes * static_cast<std::size_t>(frame.height));
    for (int y = 0; y < frame.height; ++y)
        std::memcpy(pixels_.data() + bytes * static_cast<std::size_t>(y), frame.row(y), bytes);
    frame_ = {pixels_.data(), frame.width, frame.height, static_cast<std::ptrdiff_t>(bytes), frame.pixel};
    limits_ = limits;
    wanted_ = true;
    useless_ = false;
    if (!thread_.joinable())
        thread_ = std::thread([this] { work(); });
    changed_.notify_all();
}

std::optional<Detection> BackgroundDetector::take()
{
    const std::lock_guard guard(lock_);
    if (failure_)
        std::rethrow_exception(std::exchange(failure_, nullptr));
    return std::exchange(found_, std::nullopt);
}

void BackgroundDetector::forget()
{
    const std::lock_guard guard(lock_);
    useless_ = true;
    wanted_ = false;
    found_.reset();
    failure_ = nullptr;
}

void BackgroundDetector::work()
{
    std::unique_lock lock(lock_);
    for (;;) {
        changed_.wait(lock, [this] { return wanted_ || ending_; });
        if (ending_)
            return;
        wanted_ = false;
        working_ = true;
        lock.unlock();
        const Clock::time_point start = Clock::now();
        Detection detection;
        std::exception_ptr failure;
        try {
            detection.faces = detector_.detect(frame_, limits_);
            detection.size = working_size(frame_.width, frame_.height, limits_);
        } catch (...) {
            failure = std::current_exception();
        }
        const Clock::duration took = Clock::now() - start;
        detection.ns = static_cast<std::uint64_t>(std::chrono::nanoseconds(took).count());
        lock.lock();
        working_ = false;
        rested_ = Clock::now() + rest * took;
        if (useless_)
            continue;
        found_ = std::move(detection);
        failure_ = failure;
    }
}

} // namespace anime
