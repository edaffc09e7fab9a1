// SPDX-License-Identifier: LGPL-2.1-or-later
// Who is told when a job changes, or moves up in the queue. The board's lock protects it; the wakers are
// called after it was released.
#pragma once

#include "service/jobs/store.h"

#include <cstdint>
#include <memory>
#include <unordered_set>
#include <vector>

namespace anime::service
{

using Wakers = std::vector<std::shared_ptr<Waker>>;

class Listeners
{
public:
    /// `waker` is told of the job's changes until it is gone.
    void listen(Job &job, const std::shared_ptr<Waker> &waker);
    /// Those who are to be told that the job has changed.
    static void collect(Job &job, Wakers &wakers);
    /// The job waits no more.
    void left_queue(Job &job) { watched_.erase(&job); }
    /// Those who are to be told that the queue has moved, if it has since the last time.
    void collect_moves(std::uint64_t moves, Wakers &wakers);

    static void wake(const Wakers &wakers);

private:
    std::unordered_set<Job *> watched_; // jobs that wait, and that somebody listens to
    std::uint64_t told_moves_ = 0;
};

} // namespace anime::service
