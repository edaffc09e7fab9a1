// SPDX-License-Identifier: LGPL-2.1-or-later
// Where runs wait until a worker takes them: in this process (LocalQueue), or at a broker that hands them to
// workers on other hosts.
#pragma once

#include "service/jobs/job.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace anime::service
{

/// A job on its way into a queue.
struct Entrant {
    JobView job;
    std::string idempotency; ///< its name in Idempotency, or empty
    std::shared_ptr<const Bytes> input;
};

/// The board calls it under its lock, from the thread that serves HTTP: nothing here waits or calls back.
class Queue
{
public:
    virtual ~Queue() = default;

    /// Why it takes nothing now; `retry_after` in seconds.
    virtual std::optional<Problem> refusal(int retry_after) const = 0;
    /// Is what was put safe at once? Otherwise JobBoard::accepted() or refuse() tells of each job later.
    virtual bool immediate() const = 0;
    /// The run of a first job, unless refusal() says why not.
    virtual void put(const RunPtr &run, const Entrant &first) = 0;
    /// Another job wants it too.
    virtual void join(const RunPtr &run, const Entrant &another) = 0;
    /// The job, as it ended, wants it no more; with the last one nobody of this process does, whether it
    /// waits or runs.
    virtual void leave(const RunPtr &run, const JobView &job, bool last) = 0;
    /// The next one for a worker of this process; null if none waits.
    virtual RunPtr take() = 0;
    virtual void clear() = 0;

    virtual std::size_t size() const = 0;
    /// 1: next; 0: nobody knows.
    virtual std::size_t position(const Run &run) const = 0;
    /// How often places in it have changed so far.
    virtual std::uint64_t moves() const = 0;
    /// Since when the oldest waits.
    virtual std::optional<std::chrono::steady_clock::time_point> oldest() const = 0;
};

} // namespace anime::service
