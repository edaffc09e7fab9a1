// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/sizeguard/memory_budget.h"

#include <algorithm>

namespace anime
{

MemoryBudget &MemoryBudget::of_process()
{
    static MemoryBudget budget;
    return budget;
}

bool MemoryBudget::Share::take(std::uint64_t bytes, std::uint64_t limit, Cancellation &cancellation)
{
    constexpr std::uint64_t SMALL = 16; // parts of the limit
    if (limit == 0 || bytes < limit / SMALL)
        return true;

    MemoryBudget &b = budget_;
    const Cancellation::Watch watch(cancellation, [&b] {
        const std::lock_guard guard(b.lock_);
        b.changed_.notify_all();
    });
    std::unique_lock guard(b.lock_);
    b.line_.push_back(this);
    b.changed_.wait(guard, [&] {
        const bool fits = b.taken_ == 0 || (b.taken_ <= limit && bytes <= limit - b.taken_);
        return cancellation.cancelled() || (b.line_.front() == this && fits);
    });
    b.line_.erase(std::find(b.line_.begin(), b.line_.end(), this));
    const bool granted = !cancellation.cancelled();
    bytes_ = granted ? bytes : 0;
    b.taken_ += bytes_;
    b.changed_.notify_all(); // the next in line may fit as well
    return granted;
}

MemoryBudget::Share::~Share()
{
    if (bytes_ == 0)
        return;
    const std::lock_guard guard(budget_.lock_);
    budget_.taken_ -= bytes_;
    budget_.changed_.notify_all();
}

std::size_t MemoryBudget::waiting() const
{
    const std::lock_guard guard(lock_);
    return line_.size();
}

} // namespace anime
