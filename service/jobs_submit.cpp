// SPDX-License-Identifier: LGPL-2.1-or-later
// How a job gets onto the board: known, found in the cache, joined to an equal one, queued, or refused.
#include "service/jobs.h"

#include "service/text.h"

#include <algorithm>
#include <cmath>

namespace anime::service
{

namespace
{

/// Two clients may well choose the same key. Neither part has a space in it.
std::string idempotency_of(const NewJob &job)
{
    return job.idempotency_key.empty() ? std::string() : job.client + " " + job.idempotency_key;
}

} // namespace

int JobBoard::retry_after_locked() const
{
    // Until about a quarter of the queue is free again.
    const double seconds = mean_run_seconds_ * static_cast<double>(queue_.size()) / 4;
    return std::clamp(static_cast<int>(std::ceil(seconds)), 1, 60);
}

bool JobBoard::make_room_locked()
{
    if (jobs_.size() < settings_.most_jobs)
        return true;
    if (forgettable_.empty())
        return false;
    forget_locked(*forgettable_.begin()->second);
    return true;
}

JobBoard::JobPtr JobBoard::add_locked(const NewJob &job, Steady now, Wall wall)
{
    auto added = std::make_shared<Job>();
    JobView &view = added->view;
    view.id = random_id();
    view.request_id = job.request_id;
    view.file_name = job.file_name;
    view.key = job.key;
    view.input_bytes = job.input->size();
    view.options = job.options;
    view.created = wall;
    added->deadline = now + settings_.deadline;
    added->serial = jobs_made_++;
    added->moves = moves_;
    attach_locked(*added, job.attached);
    jobs_[view.id] = added;
    unfinished_.insert({added->deadline, added.get()});
    added->idempotency = idempotency_of(job);
    if (!added->idempotency.empty())
        idempotent_[added->idempotency] = view.id;
    return added;
}

Submission JobBoard::submit(const NewJob &job, Steady now, Wall wall)
{
    const std::lock_guard guard(lock_);
    if (const auto known = idempotent_.find(idempotency_of(job)); known != idempotent_.end()) {
        Job &same = *jobs_.at(known->second);
        if (same.view.key != job.key)
            return {std::nullopt,
                    make_problem("idempotency-mismatch",
                                 "This Idempotency-Key was used for another photo or other options.",
                                 "Use a new key for each new upload.")};
        // One whose picture is gone is no use to somebody who sends the photo again.
        if (same.view.state != JobState::succeeded || same.picture || job.cached) {
            attach_locked(same, job.attached);
            if (job.cached && same.view.state == JobState::succeeded)
                keep_locked(same, job.cached);
            return {view_locked(same), std::nullopt};
        }
        release_key_locked(same);
    }
    if (draining_)
        return {std::nullopt, make_problem("draining", "The service is about to stop and takes no new work.",
                                           "Try again in a moment.", 5)};
    if (!make_room_locked())
        return {std::nullopt,
                make_problem("queue-full", "More jobs are unfinished than the service remembers.",
                             "Try again in a moment.", retry_after_locked())};

    if (job.cached) {
        const JobPtr done = add_locked(job, now, wall);
        done->view.cache = "hit";
        done->view.started = wall;
        keep_locked(*done, job.cached);
        done->view.picture = job.cached->info;
        done->view.picture->timings = {};
        done->view.picture->timings.receive = job.receive_ms;
        done->view.picture->timings.total = job.receive_ms;
        Wakers nobody;
        end_locked(*done, JobState::succeeded, wall, nobody);
        bound_pictures_locked();
        return {view_locked(*done), std::nullopt};
    }

    if (const auto same = works_.find(job.key); same != works_.end() && !same->second.task->cancel) {
        const JobPtr joined = add_locked(job, now, wall);
        joined->view.cache = "shared";
        joined->view.painted_by = same->second.task->request_id;
        add_to_work_locked(*joined, same->second);
        joined->task->deadline = joined->deadline;
        if (same->second.running) {
            leave_queue_locked(*joined);
            const JobView &first = same->second.jobs.front()->view;
            joined->view.state = JobState::running;
            joined->view.started = wall;
            joined->view.stage = first.stage;
            joined->view.progress = first.progress;
        }
        return {view_locked(*joined), std::nullopt};
    }

    if (queue_.size() >= settings_.queue_size) {
        Problem full =
            make_problem("queue-full", "Too many photos are waiting (" + std::to_string(queue_.size()) + ").",
                         "Try again in a moment.", retry_after_locked());
        full.limit = settings_.queue_size;
        full.actual = queue_.size();
        return {std::nullopt, full};
    }
    const JobPtr added = add_locked(job, now, wall);
    added->view.cache = "miss";
    auto task = std::make_shared<Task>();
    task->key = job.key;
    task->request_id = job.request_id;
    task->options = job.options;
    task->input = job.input;
    task->receive_ms = job.receive_ms;
    task->queued = now;
    task->deadline = added->deadline;
    // A cancelled run of the same key may still be stopping; its own end finds another task here and leaves
    // it.
    Work &work = works_[job.key];
    work = Work{task, {}, false, tickets_++};
    add_to_work_locked(*added, work);
    queue_.insert({work.ticket, task});
    changed_.notify_one();
    return {view_locked(*added), std::nullopt};
}

} // namespace anime::service
