// SPDX-License-Identifier: LGPL-2.1-or-later
// A fair semaphore that can be cancelled.
#include "models/executors/slots.h"

#include "models/error.h"

#include <algorithm>
#include <chrono>

namespace anime
{

Slots::Lease Slots::acquire(const std::atomic<bool> &cancel)
{
    // Nobody notifies when a cancel flag is set, so it is looked at this often.
    constexpr std::chrono::milliseconds poll{10};
    const auto start = std::chrono::steady_clock::now();

    std::unique_lock lock(mutex_);
    const std::uint64_t ticket = next_ticket_++;
    waiting_.push_back(ticket);
    while (!cancel && !(free_ > 0 && waiting_.front() == ticket))
        changed_.wait_for(lock, poll);
    waiting_.erase(std::find(waiting_.begin(), waiting_.end(), ticket));
    changed_.notify_all();
    if (cancel)
        throw Error("cancelled", "Painting was cancelled while it waited for its turn.");
    --free_;
    const auto waited = std::chrono::steady_clock::now() - start;
    return {*this,
            static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(waited).count())};
}

void Slots::release()
{
    {
        const std::lock_guard lock(mutex_);
        ++free_;
    }
    changed_.notify_all();
}

} // namespace anime
