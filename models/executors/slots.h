// SPDX-License-Identifier: LGPL-2.1-or-later
// How many pictures a device paints at once: the others wait, in the order in which they came, and stop
// waiting when they are cancelled.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>

namespace anime
{

class Slots
{
public:
    explicit Slots(unsigned count) : free_(count) {}

    /// Held while one picture is painted.
    class Lease
    {
    public:
        Lease(Slots &slots, std::uint64_t wait_ns) : slots_(slots), wait_ns_(wait_ns) {}
        Lease(const Lease &) = delete;
        Lease &operator=(const Lease &) = delete;
        ~Lease() { slots_.release(); }

        std::uint64_t wait_ns() const { return wait_ns_; }

    private:
        Slots &slots_;
        std::uint64_t wait_ns_;
    };

    /// Throws Error cancelled, at the latest 10 ms after `cancel` was set.
    Lease acquire(const std::atomic<bool> &cancel);

private:
    void release();

    std::mutex mutex_; ///< protects what follows; never held while painting
    std::condition_variable changed_;
    unsigned free_;
    std::uint64_t next_ticket_ = 0;
    std::deque<std::uint64_t> waiting_; ///< tickets, oldest first
};

} // namespace anime
