// SPDX-License-Identifier: LGPL-2.1-or-later
// What all decoders of the process hold at once: a large image waits for another one's memory.
#pragma once

#include "elements/common/cancellation.h"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>

namespace anime
{

class MemoryBudget
{
public:
    /// The one of the process.
    static MemoryBudget &of_process();

    /// A decoder's part of the budget, given back at the end of its life.
    class Share
    {
    public:
        explicit Share(MemoryBudget &budget) : budget_(budget) {}
        ~Share();
        Share(const Share &) = delete;
        Share &operator=(const Share &) = delete;

        /// Waits until `bytes` fit into `limit` (0: no limit) beside the shares of others, or there are none;
        /// first come, first served. False: cancelled. Call once. Less than a sixteenth of the limit does not
        /// wait, and is not counted, so that small images neither wait for large ones nor keep them waiting.
        bool take(std::uint64_t bytes, std::uint64_t limit, Cancellation &cancellation);

    private:
        MemoryBudget &budget_;
        std::uint64_t bytes_ = 0;
    };

    std::size_t waiting() const;

private:
    /// Protects the members. Taken behind the lock of a Cancellation, never before it.
    mutable std::mutex lock_;
    std::condition_variable changed_;
    std::uint64_t taken_ = 0;
    std::deque<const Share *> line_; ///< who waits, in order
};

} // namespace anime
