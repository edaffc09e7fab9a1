// SPDX-License-Identifier: LGPL-2.1-or-later
// Where runs wait until a worker takes them: in this process (LocalQueue), or at a broker that hands them to
// workers on other hosts.
#pragma once

#include "service/jobs/job.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace anime::service
{

/// The board calls it under its lock, from the thread that serves HTTP: nothing here waits or calls back.
class Queue
{
public:
    virtual ~Queue() = default;

    /// False: it is full.
    virtual bool put(const RunPtr &run) = 0;
    /// The next one for a worker of this process; null if none waits.
    virtual RunPtr take() = 0;
    /// Nobody wants it any more.
    virtual void remove(const RunPtr &run) = 0;
    virtual void clear() = 0;

    virtual std::size_t size() const = 0;
    virtual std::size_t capacity() const = 0;
    /// 1: next.
    virtual std::size_t position(const Run &run) const = 0;
    /// How often places in it have changed so far.
    virtual std::uint64_t moves() const = 0;
    /// Since when the oldest waits.
    virtual std::optional<std::chrono::steady_clock::time_point> oldest() const = 0;
};

} // namespace anime::service
