// SPDX-License-Identifier: LGPL-2.1-or-later
// One queue, first come first served: a picture that wants the device for itself is not overtaken by those
// that would share it.
#include "models/executors/slot.h"

#include "models/error.h"

#include <omp.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <system_error>

namespace anime
{

namespace
{

/// A flag can't wake anybody, so waiting callers look at it this often.
constexpr std::chrono::milliseconds cancel_poll{5};

/// One frame under way beside the one that is computed: more would wait for the GPU with memory of their own.
constexpr unsigned workers_of_a_gpu = 2;

/// Whoever shares the cores says among how many pictures; this only bounds the threads.
constexpr unsigned most_on_the_cpu = 64;

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
        slot = std::make_shared<Slot>(device == "cpu" ? most_on_the_cpu : workers_of_a_gpu);
        current = slot;
    }
    return slot;
}

Slot::Slot(unsigned workers) : most_workers_(workers)
{
    const std::lock_guard guard(lock_);
    add_worker();
}

Slot::~Slot()
{
    {
        const std::lock_guard guard(lock_);
        stop_ = true;
    }
    changed_.notify_all();
    for (Worker &worker : workers_)
        worker.thread.join();
}

std::uint64_t Slot::run(Share share, const std::atomic<bool> &cancel,
                        const std::function<void(unsigned worker)> &work)
{
    const std::uint64_t queued_at = now_ns();
    Job job;
    job.share = share;
    job.work = &work;
    std::unique_lock guard(lock_);
    queue_.push_back(&job);
    start_jobs();
    while (!job.started) {
        if (cancel) {
            queue_.erase(std::find(queue_.begin(), queue_.end(), &job));
            start_jobs(); // it may have been what the others waited behind
            throw Error("cancelled", "Painting was cancelled while it waited for its turn.");
        }
        changed_.wait_for(guard, cancel_poll);
    }
    changed_.wait(guard, [&] { return job.done; });
    if (job.error)
        std::rethrow_exception(job.error);
    return job.started_at - queued_at;
}

bool Slot::has_room_for(const Share &share) const
{
    unsigned most = std::min(most_workers_, share.at_once);
    unsigned running = 0;
    for (const Worker &worker : workers_) {
        if (!worker.job)
            continue;
        most = std::min(most, worker.job->share.at_once);
        ++running;
    }
    return running < most;
}

void Slot::add_worker()
{
    Worker &made = workers_.emplace_back();
    try {
        made.thread =
            std::thread([this, number = static_cast<unsigned>(workers_.size() - 1)] { loop(number); });
    } catch (...) {
        workers_.pop_back();
        throw;
    }
}

// The first one, so that OpenMP's pools are those of as few threads as there may be. Null where the system
// gives no more threads: those that there are do the work then.
Slot::Worker *Slot::idle_worker()
{
    const auto idle =
        std::find_if(workers_.begin(), workers_.end(), [](const Worker &worker) { return !worker.job; });
    if (idle != workers_.end())
        return &*idle;
    try {
        add_worker();
    } catch (const std::system_error &) {
        return nullptr;
    }
    return &workers_.back();
}

void Slot::start_jobs()
{
    bool started = false;
    while (!queue_.empty() && has_room_for(queue_.front()->share)) {
        Worker *const worker = idle_worker();
        if (!worker)
            break;
        Job &job = *queue_.front();
        queue_.pop_front();
        worker->job = &job;
        job.started = true;
        job.started_at = now_ns();
        started = true;
    }
    if (started)
        changed_.notify_all();
}

void Slot::loop(unsigned number)
{
    std::unique_lock guard(lock_);
    Worker &self = workers_[number];
    while (true) {
        changed_.wait(guard, [&] { return stop_ || self.job; });
        if (!self.job)
            return;
        Job &job = *self.job;
        guard.unlock();
        omp_set_num_threads(static_cast<int>(job.share.threads));
        try {
            (*job.work)(number);
        } catch (...) {
            job.error = std::current_exception();
        }
        guard.lock();
        self.job = nullptr;
        job.done = true;
        start_jobs();
        changed_.notify_all();
    }
}

} // namespace anime
