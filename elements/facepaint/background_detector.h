// SPDX-License-Identifier: LGPL-2.1-or-later
// Looks for faces on a thread of its own, so that live video does not wait for it.
#pragma once

#include "elements/facepaint/face_detector.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace anime
{

struct Detection {
    std::vector<Face> faces;
    WorkingSize size;
    std::uint64_t ns = 0;
};

/// One detection at a time. It rests three times as long as it worked, so that it takes a quarter of a core
/// at most. Called from one thread.
class BackgroundDetector
{
public:
    explicit BackgroundDetector(FaceDetector &detector) : detector_(detector) {}
    /// Waits for the detection in work.
    ~BackgroundDetector();
    BackgroundDetector(const BackgroundDetector &) = delete;
    BackgroundDetector &operator=(const BackgroundDetector &) = delete;

    /// Looks at a copy of `frame`, unless it works or rests.
    void look(const ConstImage &frame, const DetectionLimits &limits);

    /// What it found since it was last asked, once. Throws what the detector threw.
    std::optional<Detection> take();

    /// What it is looking at, and has found, is of no use any more.
    void forget();

private:
    using Clock = std::chrono::steady_clock;
    static constexpr int rest = 3; ///< times as long as the last detection

    void work();

    FaceDetector &detector_;

    std::mutex lock_; ///< protects all that follows; not held while the detector works
    std::condition_variable changed_;
    bool wanted_ = false; ///< there is a frame to look at
    bool working_ = false;
    bool useless_ = false; ///< what is being looked at is of no use any more
    bool ending_ = false;
    std::vector<std::uint8_t> pixels_;
    ConstImage frame_;
    DetectionLimits limits_;
    std::optional<Detection> found_;
    std::exception_ptr failure_;
    Clock::time_point rested_; ///< when it may look again

    std::thread thread_; ///< started by the first look()
};

} // namespace anime
