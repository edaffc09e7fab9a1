// SPDX-License-Identifier: LGPL-2.1-or-later
// The one thread that a device's pictures are painted on. OpenMP, of oneDNN and of libtorch, keeps a pool of
// threads for each thread that calls it, so painting on the callers' threads would cost a pool for each
// pipeline.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace anime
{

/// How many cores the process may use.
unsigned usable_cores();

class Slot
{
public:
    /// The process's slot for a device, whatever executor paints on it ("cpu", "cuda:0"); it lives as long as
    /// somebody holds it.
    static std::shared_ptr<Slot> of(const std::string &device);

    Slot();
    ~Slot();
    Slot(const Slot &) = delete;
    Slot &operator=(const Slot &) = delete;

    /// Runs `work` on the slot's thread with `threads` OpenMP threads, in the order of the calls, and waits
    /// for it; what it throws is thrown here. Throws Error cancelled when `cancel` is set before its turn.
    /// Returns the nanoseconds of waiting for the turn.
    std::uint64_t run(unsigned threads, const std::atomic<bool> &cancel, const std::function<void()> &work);

private:
    struct Job {
        unsigned threads = 0;
        const std::function<void()> *work = nullptr;
        bool started = false;
        bool done = false;
        std::uint64_t started_at = 0;
        std::exception_ptr error;
    };

    void loop();

    std::mutex lock_; ///< of everything below
    std::condition_variable changed_;
    std::deque<Job *> queue_;
    bool stop_ = false;
    std::thread thread_;
};

} // namespace anime
