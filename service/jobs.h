// SPDX-License-Identifier: LGPL-2.1-or-later
// Jobs, the bounded queue they wait in, and who is told when they change. The thread that serves HTTP calls
// everything here, so nothing under the lock looks at more than the jobs that it is about and the connections
// that listen: what is due, what may be forgotten and the place in the queue are kept in order.
#pragma once

#include "service/picture.h"
#include "service/problem.h"
#include "service/waker.h"

#include <ext/pb_ds/assoc_container.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace anime::service
{

enum class JobState { queued, running, succeeded, failed, cancelled };
const char *name_of(JobState state);
inline bool is_final(JobState state)
{
    return state != JobState::queued && state != JobState::running;
}

/// Work: one pipeline run. Several jobs share it when they are equal; it is cancelled when all of them are.
struct Task {
    std::string key;        ///< cache key
    std::string request_id; ///< of the job that came first; the log lines of the run carry it
    PaintOptions options;
    std::shared_ptr<const Bytes> input;
    double receive_ms = 0;
    std::chrono::steady_clock::time_point queued;
    std::atomic<std::chrono::steady_clock::time_point> deadline; ///< of the job that came last
    std::atomic<bool> cancel{false};
    bool taken = false; ///< by a worker that has not reported back; the board's own
};
using TaskPtr = std::shared_ptr<Task>;

struct NewJob {
    std::string request_id;
    std::string client; ///< whose idempotency key it is
    std::string file_name;
    std::string key;
    std::string idempotency_key; ///< empty: none
    PaintOptions options;
    std::shared_ptr<const Bytes> input;
    double receive_ms = 0;
    bool attached = false; ///< to the connection that makes it: detach() once that has ended
    PicturePtr cached;     ///< found in the cache: the job is done at once
};

/// A copy of what is known of a job.
struct JobView {
    std::string id;
    std::string request_id;
    std::string file_name;
    std::string key;
    std::uint64_t input_bytes = 0;
    PaintOptions options;
    JobState state = JobState::queued;
    std::string stage = "queue"; ///< queue, decode, faces, paint, encode, done
    double progress = 0;
    std::size_t position = 0; ///< in the queue, 1: next; 0: not in it
    std::string cache;        ///< miss, hit, shared
    std::string painted_by;   ///< request id of the run that it shares
    std::uint64_t version = 0;
    std::chrono::system_clock::time_point created, started, finished, expires;
    std::optional<PictureInfo> picture;
    std::optional<Problem> problem;
};

struct Submission {
    std::optional<JobView> job;
    std::optional<Problem> problem;
};

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

    explicit JobBoard(const Settings &settings) : settings_(settings) {}

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

    /// Waits for a task; null once close() was called and the queue is empty.
    TaskPtr take();
    void progress(const TaskPtr &task, const std::string &stage, double fraction);
    /// `found`: it was not painted now, so the time that it took says nothing of the next one's.
    void finish(const TaskPtr &task, const PicturePtr &picture, Wall wall, bool found = false);
    void fail(const TaskPtr &task, const Problem &problem, Wall wall);

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
        std::uint64_t taken = 0;        ///< tasks that workers ever took
        std::uint64_t result_bytes = 0; ///< pictures kept for their jobs
        double oldest_seconds = 0;
    };
    Load load(Steady now) const;

private:
    struct Job {
        JobView view;
        TaskPtr task; ///< null once it is final
        Steady deadline;
        PicturePtr picture;
        std::vector<std::weak_ptr<Waker>> listeners;
        std::string idempotency;  ///< its key in idempotent_, or empty
        std::size_t attached = 0; ///< connections that wait for it
        bool outlives_connections = false;
        std::uint64_t serial = 0;            ///< jobs_made_ when it was made
        std::uint64_t moves = 0;             ///< moves_ when it was queued
        std::list<Job *>::iterator in_work;  ///< among the jobs of its work, until it is final
        std::list<Job *>::iterator pictured; ///< in pictured_, while it has a picture
    };
    using JobPtr = std::shared_ptr<Job>;
    struct Work {
        TaskPtr task;
        std::list<Job *> jobs;
        bool running = false;
        std::uint64_t ticket = 0; ///< in the queue
    };
    using Wakers = std::vector<std::shared_ptr<Waker>>;
    /// By time, and those of the same time as they were made.
    struct Earlier {
        template <typename Time>
        bool operator()(const std::pair<Time, Job *> &a, const std::pair<Time, Job *> &b) const
        {
            return a.first != b.first ? a.first < b.first : a.second->serial < b.second->serial;
        }
    };
    /// Tells how many are before a ticket without counting them.
    using Queue = __gnu_pbds::tree<std::uint64_t, TaskPtr, std::less<>, __gnu_pbds::rb_tree_tag,
                                   __gnu_pbds::tree_order_statistics_node_update>;

    JobPtr add_locked(const NewJob &job, Steady now, Wall wall);
    void add_to_work_locked(Job &job, Work &work);
    void change_locked(Job &job, Wakers &wakers);
    void collect_listeners_locked(Job &job, Wakers &wakers);
    void release_key_locked(Job &job);
    void keep_locked(Job &job, const PicturePtr &picture);
    void drop_picture_locked(Job &job);
    void bound_pictures_locked();
    void attach_locked(Job &job, bool attached);
    void cancel_locked(Job &job, Wall wall, Wakers &wakers);
    void leave_work_locked(Job &job, const TaskPtr &task);
    void leave_queue_locked(Job &job);
    std::list<Job *> take_work_locked(const TaskPtr &task);
    JobView fail_locked(Job &job, const Problem &problem, Wall wall, Wakers &wakers);
    bool missed_deadline_locked(const Job &job, Steady now) const;
    void end_locked(Job &job, JobState state, Wall wall, Wakers &wakers);
    void forget_locked(Job &job);
    void tell_of_moves_locked(Wakers &wakers);
    bool tick_some(Steady now, Wall wall, std::vector<JobView> &failed);
    void give_back_locked(const TaskPtr &task);
    bool make_room_locked();
    JobView view_locked(const Job &job) const;
    int retry_after_locked() const;
    static void wake(const Wakers &wakers);

    const Settings settings_;
    mutable std::mutex lock_; // protects what follows; wakers are called after it was released
    std::condition_variable changed_;
    std::unordered_map<std::string, JobPtr> jobs_;
    std::unordered_map<std::string, std::string> idempotent_; // client and its key → id
    std::unordered_map<std::string, Work> works_;             // by cache key
    Queue queue_;                                             // by ticket
    std::uint64_t tickets_ = 0;
    std::uint64_t moves_ = 0;           // how often places in the queue have changed
    bool moved_ = false;                // since the listeners were told
    std::unordered_set<Job *> watched_; // queued ones that somebody listens to
    std::uint64_t jobs_made_ = 0;
    std::set<std::pair<Steady, Job *>, Earlier> unfinished_; // by deadline
    std::set<std::pair<Wall, Job *>, Earlier> forgettable_;  // final and not attached, by expiry
    std::list<Job *> pictured_;                              // those with a picture, oldest first
    std::size_t running_ = 0;
    std::uint64_t taken_ = 0;
    bool draining_ = false;
    double mean_run_seconds_ = 0;
    std::uint64_t result_bytes_ = 0;
};

} // namespace anime::service
