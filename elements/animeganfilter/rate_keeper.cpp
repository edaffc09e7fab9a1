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
constexpr double at_ease = 0.82;
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

/// What the whole of a frame like this one would take at another level. To make frames smaller and paintings
/// larger takes time of its own, more than the smaller painting saves where the net is quick.
double RateKeeper::would_take(const Times &now, std::size_t level) const
{
    double rest = now.rest;
    if (shrinks(level) != shrinks(level_))
        rest = (shrinks(level) ? rest_where_smaller_ : rest_at_full_size_).value_or(rest);
    return rest + now.net * work(level) / work(level_);
}

/// The next above this one, or full size where that takes no longer.
std::size_t RateKeeper::better(const Times &now) const
{
    const std::size_t full = has_quick_;
    const std::size_t next = level_ - 1;
    return shrinks(next) && would_take(now, full) <= would_take(now, next) ? full : next;
}

bool RateKeeper::handled(std::uint64_t time, std::uint64_t net, std::uint64_t budget)
{
    if (warming_up_) {
        warming_up_ = false;
        return false;
    }
    const auto had = static_cast<double>(budget);
    const Times now = {static_cast<double>(std::min(net, time)),
                       static_cast<double>(time - std::min(net, time))};
    std::optional<double> &rest = shrinks(level_) ? rest_where_smaller_ : rest_at_full_size_;
    rest = std::min(rest.value_or(now.rest), now.rest);

    slow_ = now.all() > too_slow * had ? slow_ + 1 : 0;
    least_ = slow_ == 1 ? now.all() : std::min(least_, now.all());
    if (slow_ == slow_frames) {
        slow_ = 0;
        std::size_t level = level_;
        while (level + 1 < levels() && least_ * work(level) / work(level_) > at_ease * had)
            ++level;
        if (level == level_)
            return false; // it is at the last
        change(level);
        return true;
    }
    if (level_ == 0)
        return false;

    ++watched_;
    const std::size_t level = better(now);
    hurried_ += would_take(now, level) > at_ease * had;
    if (watched_ < wait_)
        return false;
    const bool calm = hurried_ * seldom <= watched_;
    watched_ = hurried_ = 0;
    if (calm)
        change(level);
    else
        went_up_ = false; // it has held this level for long
    return calm;
}

} // namespace anime
