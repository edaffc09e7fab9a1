// SPDX-License-Identifier: LGPL-2.1-or-later
// Holds a frame rate: by the style's quick net where it has one, then by painting smaller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace anime
{

/// Chooses among a few levels: the style at full size, its quick net at full size if it has one, and smaller
/// sizes (of the quick net, if it has one), each with 0.7 times the pixels of the one before, because the
/// executor makes a plan for each size that it meets. It goes down when three frames in a row take too long,
/// at once as far as needed, and up by one when all but a few frames of three seconds would have had time to
/// spare at that level, past sizes that would cost more to enlarge than they save. Having gone up in vain, it
/// waits twice as long before it tries again. Times in nanoseconds. For one stream.
class RateKeeper
{
public:
    /// Whether the style has a quick net. If that is news, the level is forgotten.
    void set_has_quick(bool has_quick);

    /// Whether to paint with the quick net.
    bool quick() const { return has_quick_ && level_ > 0; }
    /// By what to multiply both sides of the frame: 1, down to 0.24.
    double scale() const;
    /// The part that is done of the style's arithmetic for a frame at full size.
    double quality() const { return work(level_); }

    /// A frame was handled in this time, of which there was `budget`; the net took `net` of it, and only that
    /// grows with the level. True if quick() or scale() has changed.
    bool handled(std::uint64_t time, std::uint64_t net, std::uint64_t budget);

    void forget();

private:
    /// What a frame took, or would take.
    struct Times {
        double net = 0;
        double rest = 0;
        double all() const { return net + rest; }
    };

    static constexpr int slow_frames = 3;
    static constexpr int calm_frames = 90;
    static constexpr int longest_wait = 16 * calm_frames;

    std::size_t levels() const;
    double work(std::size_t level) const;
    bool shrinks(std::size_t level) const { return level > std::size_t{has_quick_}; }
    double would_take(const Times &now, std::size_t level) const;
    std::size_t better(const Times &now) const;
    void change(std::size_t level);

    bool has_quick_ = false;
    std::size_t level_ = 0;
    bool warming_up_ = true; ///< the first frame of a level, for which a plan is made
    int slow_ = 0;           ///< frames in a row that took too long
    double least_ = 0;       ///< the quickest of them
    /// The least that a frame took beside the net, at full size and at a smaller one.
    std::optional<double> rest_at_full_size_;
    std::optional<double> rest_where_smaller_;
    int watched_ = 0; ///< frames since the last change, or since the last try to go up failed
    int hurried_ = 0; ///< of these, those that would not have had time to spare at the next better level
    int wait_ = calm_frames; ///< before it goes up
    bool went_up_ = false;   ///< by the last change
};

} // namespace anime
