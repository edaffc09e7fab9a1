// SPDX-License-Identifier: LGPL-2.1-or-later
// When a film that no longer moves is given up.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace anime
{

/// Time in which this program did not run, because it was stopped (Ctrl-Z), doesn't count.
class StallWatch
{
public:
    using Clock = std::chrono::steady_clock;

    explicit StallWatch(std::chrono::milliseconds allowed, Clock::time_point now = Clock::now())
        : allowed_(allowed), moved_(now), asked_(now)
    {
    }

    /// To be asked many times a second. `moved` counts all that came in and went out. After an error nothing
    /// new comes in; what is on its way gets a moment for each frame.
    bool gives_up(std::uint64_t moved, bool failed, Clock::time_point now = Clock::now())
    {
        if (now - asked_ > not_running)
            moved_ += now - asked_;
        asked_ = now;
        if (moved != count_) {
            count_ = moved;
            moved_ = now;
        }
        return now - moved_ >= (failed ? std::min(allowed_, after_error) : allowed_);
    }

private:
    static constexpr std::chrono::milliseconds after_error{5000};
    /// Longer than a busy machine keeps a thread waiting.
    static constexpr std::chrono::milliseconds not_running{2000};

    std::chrono::milliseconds allowed_;
    std::uint64_t count_ = 0;
    Clock::time_point moved_;
    Clock::time_point asked_;
};

} // namespace anime
