// SPDX-License-Identifier: LGPL-2.1-or-later
// The threads that a device's pictures are painted on: on the CPU one, or one for each picture where several
// share the cores; two on a GPU, where one frame is copied while the other one is computed. OpenMP, of oneDNN
// and of libtorch, keeps a pool of threads for each thread that calls it, and cuDNN what it knows of
// convolutions, so painting on the callers' threads would cost that for each pipeline.
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
#include <vector>

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

    /// Has at most so many threads; all but the first are made when they are needed.
    explicit Slot(unsigned workers = 1);
    ~Slot();
    Slot(const Slot &) = delete;
    Slot &operator=(const Slot &) = delete;

    /// How a picture shares the slot.
    struct Share {
        unsigned threads = 1; ///< OpenMP threads that it is painted with
        unsigned at_once = 1; ///< pictures, with it, while it is painted
    };

    /// Runs `work` on one of the slot's threads, whose number it is told, in the order of the calls, and
    /// waits for it; what it throws is thrown here. Throws Error cancelled when `cancel` is set before its
    /// turn. Returns the nanoseconds of waiting for the turn.
    std::uint64_t run(Share share, const std::atomic<bool> &cancel,
                      const std::function<void(unsigned worker)> &work);

private:
    struct Job {
        Share share;
        const std::function<void(unsigned)> *work = nullptr;
        bool started = false;
        bool done = false;
        std::uint64_t started_at = 0;
        std::exception_ptr error;
    };
    struct Worker {
        Job *job = nullptr; ///< null: idle
        std::thread thread;
    };

    void loop(unsigned worker);
    // With the lock held.
    void start_jobs();
    bool has_room_for(const Share &share) const;
    void add_worker();
    Worker *idle_worker();

    const unsigned most_workers_;
    std::mutex lock_; ///< of everything below
    std::condition_variable changed_;
    std::deque<Job *> queue_;
    bool stop_ = false;
    std::deque<Worker> workers_;
};

} // namespace anime
