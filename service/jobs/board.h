// SPDX-License-Identifier: LGPL-2.1-or-later
// Jobs from the upload to the end: it joins the queue, the store, the idempotency keys and the listeners
// under one lock. The thread that serves HTTP calls everything here, so nothing under the lock looks at more
// than the jobs that it is about and the connections that listen.
#pragma once

#include "service/jobs/idempotency.h"
#include "service/jobs/listeners.h"
#include "service/jobs/local_queue.h"
#include "service/jobs/store.h"

#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace anime::service
{

class JobBoard
{
public:
    using Steady = std::chrono::steady_clock::time_point;
    using Wall = std::chrono::system_clock::time_point;

    struct Settings {
        std::size_t queue_size = 64;
        std::size_t most_jobs = 2000;
        std::chrono::seconds job_ttl{900};
        std::chrono::seconds deadline{60};
        std::uint64_t result_bytes = 32 << 20; ///< of pictures that nobody has fetched
    };

    /// Its jobs wait in this process, unless `queue` is where.
    explicit JobBoard(const Settings &settings, std::unique_ptr<Queue> queue = nullptr);

    /// Queues the job, joins an equal task, or finishes it from the cache. Refused: queue-full, draining,
    /// idempotency-mismatch. The same Idempotency-Key of the same client with the same content gives the same
    /// job again, unless that was cancelled or failed in a way that another try may mend (5xx).
    Submission submit(const NewJob &job, Steady now, Wall wall);

    std::optional<JobView> find(const std::string &id) const;
    /// `waker` is woken at every change of the job from here on, until it is gone; a final job has none.
    void listen(const std::string &id, const std::shared_ptr<Waker> &waker);
    /// The job as it is now; a final one stays as it was.
    std::optional<JobView> cancel(const std::string &id, Wall wall);

    /// The picture of a job that has succeeded: kept until it was delivered once, or pushed out by newer ones
    /// (result_bytes). As long as a connection is attached to the job it is always there.
    PicturePtr picture(const std::string &id) const;
    void delivered(const std::string &id);
    /// A connection that a job was attached to has ended. Cancels the job if nobody else is attached to it
    /// and it was never submitted without being attached.
    void detach(const std::string &id, Wall wall);

    /// Waits for a run; null once drain() was called and the queue is empty.
    RunPtr take();
    void progress(const RunPtr &run, const std::string &stage, double fraction);
    /// `found`: it was not painted now, so the time that it took says nothing of the next one's.
    void finish(const RunPtr &run, const PicturePtr &picture, Wall wall, bool found = false);
    void fail(const RunPtr &run, const Problem &problem, Wall wall);

    // What a queue elsewhere has to tell of what was put into it, from threads of its own.

    /// Does a job still wait for it?
    bool wanted(const RunPtr &run) const;
    /// Nobody wants it any more, as another server was told.
    void called_off(const RunPtr &run, Wall wall);
    /// Somebody elsewhere runs it now.
    void started(const RunPtr &run, Wall started);
    /// The job is safe.
    void accepted(const std::string &id);
    /// The job is not; whoever waits for that is told why, and nobody finds it any more.
    void refuse(const std::string &id, const Problem &problem, Wall wall);
    /// The job's Idempotency-Key stands for another job, which was adopted: whoever waits for this one has
    /// that.
    void redirect(const std::string &id, const std::string &other, Wall wall);
    /// A job that another server made. One that is not final shares the run of its key, or else `run`: the
    /// one that it has got is returned. Null if it is known, or if there is no room for it.
    RunPtr adopt(const JobView &job, const RunPtr &run, Steady deadline);

    /// Forgets finished jobs whose time is up, and fails those that missed their deadline; a run that all of
    /// its jobs have given up is left to whoever runs it. Those that failed, at the stage where they were.
    std::vector<JobView> tick(Steady now, Wall wall);

    /// From here on nothing new is queued; take() returns null once the queue is empty.
    void drain();
    bool draining() const;
    /// Fails all that waits, and cancels all that runs; tells of them like tick().
    std::vector<JobView> abandon(const Problem &problem, Wall wall);

    struct Load {
        std::size_t queued = 0;
        std::size_t running = 0;
        std::size_t jobs = 0;
        std::uint64_t taken = 0;        ///< runs that workers ever took
        std::uint64_t result_bytes = 0; ///< pictures kept for their jobs
        double oldest_seconds = 0;
        FinishedJobs finished;
    };
    Load load(Steady now) const;

private:
    /// A run and the jobs that share it.
    struct Work {
        RunPtr run;
        std::list<Job *> jobs;
        bool running = false;
    };

    std::optional<Submission> resubmit_locked(const NewJob &job);
    Submission finish_at_once_locked(const NewJob &job, Steady now, Wall wall);
    Submission join_locked(Work &work, const NewJob &job, Steady now, Wall wall);
    Submission enqueue_locked(const NewJob &job, Steady now, Wall wall);
    Job &add_locked(const NewJob &job, const char *cache, Steady now, Wall wall);
    bool make_room_locked();
    int retry_after_locked() const;

    void change_locked(Job &job, Wakers &wakers);
    void leave_queue_locked(Job &job);
    void start_locked(Job &job, Wall wall);
    void share_locked(Job &job, Work &work, Wall wall);
    void begin_locked(const RunPtr &run, Wall wall, Wakers &wakers);
    void end_locked(Job &job, JobState state, Wall wall, Wakers &wakers);
    JobView fail_locked(Job &job, const Problem &problem, Wall wall, Wakers &wakers);
    void cancel_locked(Job &job, Wall wall, Wakers &wakers);
    void dismiss_locked(Job &job, Wall wall, Wakers &wakers, const std::optional<Problem> &problem);
    void forget_locked(Job &job);
    static void add_to_work(Job &job, Work &work);
    void leave_work_locked(Job &job, const RunPtr &run);
    std::list<Job *> take_work_locked(const RunPtr &run);
    void give_back_locked(const RunPtr &run);
    bool missed_deadline_locked(const Job &job, Steady now) const;
    bool tick_some(Steady now, Wall wall, std::vector<JobView> &failed);
    JobView view_locked(const Job &job) const;

    /// Time for whoever waits for a job that never was one to see why.
    static constexpr std::chrono::seconds dismissed_for{5};

    const Settings settings_;
    mutable std::mutex lock_; // protects what follows; wakers are called after it was released
    std::condition_variable changed_;
    const std::unique_ptr<Queue> queue_;
    JobStore store_;
    Idempotency idempotency_;
    Listeners listeners_;
    std::unordered_map<std::string, Work> works_; // by cache key
    std::size_t running_ = 0;
    std::uint64_t taken_ = 0;
    bool draining_ = false;
    double mean_run_seconds_ = 0;
};

} // namespace anime::service
