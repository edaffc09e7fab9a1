// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/jobs/local_queue.h"

namespace anime::service
{

std::optional<Problem> LocalQueue::refusal(int retry_after) const
{
    if (runs_.size() < capacity_)
        return std::nullopt;
    Problem full =
        make_problem("queue-full", "Too many photos are waiting (" + std::to_string(runs_.size()) + ").",
                     "Try again in a moment.", retry_after);
    full.limit = capacity_;
    full.actual = runs_.size();
    return full;
}

void LocalQueue::put(const RunPtr &run, const Entrant &)
{
    run->ticket = ++tickets_;
    runs_.insert({run->ticket, run});
}

RunPtr LocalQueue::take()
{
    if (runs_.empty())
        return nullptr;
    RunPtr run = runs_.begin()->second;
    runs_.erase(runs_.begin());
    ++moves_;
    return run;
}

void LocalQueue::leave(const RunPtr &run, const JobView &, bool last)
{
    if (last && runs_.erase(run->ticket))
        ++moves_;
}

void LocalQueue::clear()
{
    runs_.clear();
}

std::optional<std::chrono::steady_clock::time_point> LocalQueue::oldest() const
{
    if (runs_.empty())
        return std::nullopt;
    return runs_.begin()->second->queued;
}

} // namespace anime::service
