// SPDX-License-Identifier: LGPL-2.1-or-later
// One queue, first come first served.
#include "models/executors/slot.h"

#include "models/error.h"

#include <omp.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <map>

namespace anime
{

namespace
{

/// A flag can't wake anybody, so waiting callers look at it this often.
constexpr std::chrono::milliseconds cancel_poll{5};

/// One frame under way beside the one that is computed: more would wait for the GPU with memory of their own.
constexpr unsigned workers_of_a_gpu = 2;

std::uint64_t now_ns()
{
    using namespace std::chrono;
    return duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
}

} // namespace

unsigned usable_cores()
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return static_cast<unsigned>(CPU_COUNT(&set));
    return 1;
}

std::shared_ptr<Slot> Slot::of(const std::string &device)
{
    static std::mutex lock;
    static std::map<std::string, std::weak_ptr<Slot>> devices;
    const std::lock_guard guard(lock);
    std::weak_ptr<Slot> &current = devices[device];
    std::shared_ptr<Slot> slot = current.lock();
    if (!slot) {
        slot = std::make_shared<Slot>(device == "cpu" ? 1 : workers_of_a_gpu);
        current = slot;
    }
    return slot;
}

Slot::Slot(unsigned workers)
{
    for (unsigned worker = 0; worker < workers; ++worker)
        workers_.emplace_back([this, worker] { loop(worker); });
}

Slot::~Slot()
{
    {
        const std::lock_guard guard(lock_);
        stop_ = true;
    }
    changed_.notify_all();
    for (std::thread &worker : workers_)
        worker.join();
}

std::uint64_t Slot::run(unsigned threads, const std::atomic<bool> &cancel,
                        const std::function<void(unsigned worker)> &work)
{
    const std::uint64_t queued_at = now_ns();
    Job job;
    job.threads = threads;
    job.work = &work;
    std::unique_lock guard(lock_);
    queue_.push_back(&job);
    changed_.notify_all();
    while (!job.started) {
        if (cancel) {
            queue_.erase(std::find(queue_.begin(), queue_.end(), &job));
            throw Error("cancelled", "Painting was cancelled while it waited for its turn.");
        }
        changed_.wait_for(guard, cancel_poll);
    }
    changed_.wait(guard, [&] { return job.done; });
    if (job.error)
        std::rethrow_exception(job.error);
    return job.started_at - queued_at;
}

void Slot::loop(unsigned worker)
{
    std::unique_lock guard(lock_);
    while (true) {
        changed_.wait(guard, [&] { return stop_ || !queue_.empty(); });
        if (queue_.empty())
            return;
        Job &job = *queue_.front();
        queue_.pop_front();
        job.started = true;
        job.started_at = now_ns();
        guard.unlock();
        omp_set_num_threads(static_cast<int>(job.threads));
        try {
            (*job.work)(worker);
        } catch (...) {
            job.error = std::current_exception();
        }
        guard.lock();
        job.done = true;
        changed_.notify_all();
    }
}

} // namespace anime
