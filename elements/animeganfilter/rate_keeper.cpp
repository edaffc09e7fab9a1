// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/animeganfilter/rate_keeper.h"

#include <algorithm>
#include <array>

namespace anime
{

namespace
{

/// Square roots of 0.7, 0.49 and so on.
constexpr std::array<double, 9> scales = {1, 0.837, 0.7, 0.586, 0.49, 0.41, 0.343, 0.287, 0.24};

/// Shares of the budget: more is too slow; what is chosen has time to spare for what else the machine does.
constexpr double too_slow = 0.92;
constexpr double at_ease = 0.75;
/// One frame of so many may be hurried.
constexpr int seldom = 20;

double pixels(std::size_t level)
{
    return scales[level] * scales[level];
}

} // namespace

double RateKeeper::scale() const
{
    return scales[level_];
}

void RateKeeper::change(std::size_t level)
{
    if (level > level_ && went_up_)
        wait_ = std::min(2 * wait_, longest_wait);
    went_up_ = level < level_;
    level_ = level;
    warming_up_ = true;
    slow_ = watched_ = hurried_ = 0;
}

bool RateKeeper::handled(std::uint64_t time, std::uint64_t budget)
{
    if (warming_up_) {
        warming_up_ = false;
        return false;
    }
    const auto took = static_cast<double>(time);
    const auto had = static_cast<double>(budget);
    slow_ = took > too_slow * had ? slow_ + 1 : 0;
    least_ = slow_ == 1 ? time : std::min(least_, time);
    if (slow_ == slow_frames) {
        slow_ = 0;
        std::size_t level = level_;
        while (level + 1 < scales.size() &&
               static_cast<double>(least_) * pixels(level) / pixels(level_) > at_ease * had)
            ++level;
        if (level == level_)
            return false; // it is at its smallest
        change(level);
        return true;
    }
    if (level_ == 0)
        return false;

    ++watched_;
    hurried_ += took * pixels(level_ - 1) / pixels(level_) > at_ease * had;
    if (watched_ < wait_)
        return false;
    const bool calm = hurried_ * seldom <= watched_;
    watched_ = hurried_ = 0;
    if (calm)
        change(level_ - 1);
    else
        went_up_ = false; // it has held this size for long
    return calm;
}

} // namespace anime
