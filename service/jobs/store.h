// SPDX-License-Identifier: LGPL-2.1-or-later
// The jobs that are remembered, in the orders in which something becomes due, and the pictures of theirs that
// nobody has fetched. The board's lock protects it.
#pragma once

#include "service/jobs/job.h"
#include "service/waker.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace anime::service
{

struct Job {
    JobView view;
    RunPtr run; ///< null once it is final
    std::chrono::steady_clock::time_point deadline;
    PicturePtr picture; ///< the store's own, as is what it does with `attached`
    std::vector<std::weak_ptr<Waker>> listeners;
    std::string idempotency;  ///< its name in Idempotency, or empty
    std::size_t attached = 0; ///< connections that wait for it
    bool outlives_connections = false;
    bool counts = true;                  ///< among those that have finished here
    std::uint64_t serial = 0;            ///< how many the store made before
    std::uint64_t moves = 0;             ///< of the queue, when it was queued
    std::list<Job *>::iterator in_work;  ///< among the jobs of its work, until it is final
    std::list<Job *>::iterator pictured; ///< while it has a picture
};

/// How many jobs have ended, by state and the code of their problem (empty: none).
using FinishedJobs = std::map<std::pair<JobState, std::string>, std::uint64_t>;

class JobStore
{
public:
    using Steady = std::chrono::steady_clock::time_point;
    using Wall = std::chrono::system_clock::time_point;

    explicit JobStore(std::uint64_t result_bytes) : most_result_bytes_(result_bytes) {}

    Job &add(JobView view, Steady deadline);
    Job *find(const std::string &id) const;
    std::size_t size() const { return jobs_.size(); }
    /// The job is final from here on, and may be forgotten at view.expires unless somebody is attached.
    void end(Job &job);
    void attach(Job &job);
    void detach(Job &job);
    /// Final and not attached, the one whose time ends first; null if there is none.
    Job *forgettable() const;
    void forget(Job &job);

    /// Calls `visit` for those that are not final at their deadline, until it returns false; it may end them.
    template <typename Visit>
    void each_overdue(Steady now, Visit visit)
    {
        for (auto next = unfinished_.begin(); next != unfinished_.end() && next->first <= now;)
            if (!visit(*(next++)->second))
                return;
    }

    void keep_picture(Job &job, const PicturePtr &picture);
    void drop_picture(Job &job);
    /// Drops the oldest beyond the limit, and never one that a connection waits for: there are no more of
    /// those than connections.
    void bound_pictures();
    std::uint64_t result_bytes() const { return result_bytes_; }
    const FinishedJobs &finished() const { return finished_; }

private:
    /// By time, and those of the same time as they were made.
    struct Earlier {
        template <typename Time>
        bool operator()(const std::pair<Time, Job *> &a, const std::pair<Time, Job *> &b) const
        {
            return a.first != b.first ? a.first < b.first : a.second->serial < b.second->serial;
        }
    };

    const std::uint64_t most_result_bytes_;
    std::unordered_map<std::string, std::unique_ptr<Job>> jobs_; // by id
    std::uint64_t made_ = 0;
    std::set<std::pair<Steady, Job *>, Earlier> unfinished_; // by deadline
    std::set<std::pair<Wall, Job *>, Earlier> forgettable_;  // by view.expires
    std::list<Job *> pictured_;                              // those with a picture, oldest first
    std::uint64_t result_bytes_ = 0;
    FinishedJobs finished_;
};

} // namespace anime::service
