// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/jobs/listeners.h"

#include <utility>

namespace anime::service
{

void Listeners::listen(Job &job, const std::shared_ptr<Waker> &waker)
{
    // The job may not change for a minute, while clients come and go.
    std::erase_if(job.listeners, [](const std::weak_ptr<Waker> &listener) { return listener.expired(); });
    job.listeners.push_back(waker);
    if (job.view.state == JobState::queued)
        watched_.insert(&job);
}

void Listeners::collect(Job &job, Wakers &wakers)
{
    std::erase_if(job.listeners, [&](const std::weak_ptr<Waker> &listener) {
        if (auto waker = listener.lock()) {
            wakers.push_back(std::move(waker));
            return false;
        }
        return true;
    });
}

void Listeners::collect_moves(std::uint64_t moves, Wakers &wakers)
{
    if (std::exchange(told_moves_, moves) == moves)
        return;
    std::erase_if(watched_, [&](Job *job) {
        collect(*job, wakers);
        return job->listeners.empty();
    });
}

void Listeners::wake(const Wakers &wakers)
{
    for (const auto &waker : wakers)
        waker->wake();
}

} // namespace anime::service
