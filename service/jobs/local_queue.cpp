// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/jobs/local_queue.h"

namespace anime::service
{

bool LocalQueue::put(const RunPtr &run)
{
    if (runs_.size() >= capacity_)
        return false;
    run->ticket = ++tickets_;
    runs_.insert({run->ticket, run});
    return true;
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

void LocalQueue::remove(const RunPtr &run)
{
    if (runs_.erase(run->ticket))
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
