// SPDX-License-Identifier: LGPL-2.1-or-later
// Holds a frame rate by painting smaller.
#pragma once

#include <cstddef>
#include <cstdint>

namespace anime
{

/// Chooses among a few sizes, each with 0.7 times the pixels of the one before, because the executor makes a
/// plan for each size that it meets. It goes down when three frames in a row take too long, at once as far as
/// needed, and up by one when all but a few frames of three seconds would have had time to spare at that
/// size. Having gone up in vain, it waits twice as long before it tries again. Times in nanoseconds. For one
/// stream.
class RateKeeper
{
public:
    /// By what to multiply both sides of the frame: 1, down to 0.24.
    double scale() const;
    /// The part of the pixels that are painted.
    double quality() const { return scale() * scale(); }

    /// A frame was handled in this time, of which there was `budget`. True if scale() has changed.
    bool handled(std::uint64_t time, std::uint64_t budget);

    void forget() { *this = {}; }

private:
    static constexpr int slow_frames = 3;
    static constexpr int calm_frames = 90;
    static constexpr int longest_wait = 16 * calm_frames;

    void change(std::size_t level);

    std::size_t level_ = 0;
    bool warming_up_ = true;  ///< the first frame of a size, for which a plan is made
    int slow_ = 0;            ///< frames in a row that took too long
    std::uint64_t least_ = 0; ///< the quickest of them
    int watched_ = 0;         ///< frames since the last change, or since the last try to go up failed
    int hurried_ = 0; ///< of these, those that would not have had time to spare at the next larger size
    int wait_ = calm_frames; ///< before it goes up
    bool went_up_ = false;   ///< by the last change
};

} // namespace anime
