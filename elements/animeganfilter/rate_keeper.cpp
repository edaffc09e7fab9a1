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

/// Multiply-adds of `lite` on blocks of 4 × 4 pixels to those on blocks of 2 × 2: 1.0 to 2.8 G at 512 × 512
/// (docs/models.md). The times are 0.36 of each other with AVX2 and 0.38 with AVX-512 (docs/performance.md).
constexpr double quick_work = 0.37;

/// Shares of the budget: more is too slow; what is chosen has time to spare for what else the machine does.
constexpr double too_slow = 0.92;
constexpr double at_ease = 0.75;
/// Of what the whole style would take, by what its quick net takes.
constexpr double at_ease_with_the_whole = 0.85;
/// One frame of so many may be hurried.
constexpr int seldom = 20;

double pixels(double scale)
{
    return scale * scale;
}

} // namespace

void RateKeeper::set_has_quick(bool has_quick)
{
    if (has_quick == has_quick_)
        return;
    has_quick_ = has_quick;
    forget();
}

void RateKeeper::forget()
{
    const bool has_quick = has_quick_;
    *this = {};
    has_quick_ = has_quick;
}

std::size_t RateKeeper::levels() const
{
    return scales.size() + has_quick_;
}

double RateKeeper::scale() const
{
    return scales[level_ - quick()];
}

double RateKeeper::work(std::size_t level) const
{
    if (!has_quick_ || level == 0)
        return pixels(scales[level]);
    return quick_work * pixels(scales[level - 1]);
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

bool RateKeeper::handled(std::uint64_t time, std::uint64_t net, std::uint64_t budget)
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
        while (level + 1 < levels() &&
               static_cast<double>(least_) * work(level) / work(level_) > at_ease * had)
            ++level;
        if (level == level_)
            return false; // it is at the last
        change(level);
        return true;
    }
    if (level_ == 0)
        return false;

    ++watched_;
    const double allowed = has_quick_ && level_ == 1 ? at_ease_with_the_whole : at_ease;
    const auto grows = static_cast<double>(std::min(net, time));
    hurried_ += took - grows + grows * work(level_ - 1) / work(level_) > allowed * had;
    if (watched_ < wait_)
        return false;
    const bool calm = hurried_ * seldom <= watched_;
    watched_ = hurried_ = 0;
    if (calm)
        change(level_ - 1);
    else
        went_up_ = false; // it has held this level for long
    return calm;
}

} // namespace anime
