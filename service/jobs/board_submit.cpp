// SPDX-License-Identifier: LGPL-2.1-or-later
// How a job gets onto the board: known, found in the cache, joined to an equal one, queued, or refused.
#include "service/jobs/board.h"

#include "service/text.h"

#include <algorithm>
#include <cmath>

namespace anime::service
{

int JobBoard::retry_after_locked() const
{
    // Until about a quarter of the queue is free again.
    const double seconds = mean_run_seconds_ * static_cast<double>(queue_->size()) / 4;
    return std::clamp(static_cast<int>(std::ceil(seconds)), 1, 60);
}

bool JobBoard::make_room_locked()
{
    if (store_.size() < settings_.most_jobs)
        return true;
    Job *oldest = store_.forgettable();
    if (oldest)
        forget_locked(*oldest);
    return oldest;
}

Job &JobBoard::add_locked(const NewJob &job, const char *cache, Steady now, Wall wall)
{
    JobView view;
    view.id = random_id();
    view.request_id = job.request_id;
    view.file_name = job.file_name;
    view.key = job.key;
    view.input_bytes = job.input->size();
    view.options = job.options;
    view.created = wall;
    view.cache = cache;
    Job &added = store_.add(std::move(view), now + settings_.deadline);
    added.moves = queue_->moves();
    added.outlives_connections = !job.attached;
    if (job.attached)
        store_.attach(added);
    added.idempotency = Idempotency::name_of(job);
    idempotency_.remember(added.idempotency, added.view.id);
    return added;
}

Submission JobBoard::submit(const NewJob &job, Steady now, Wall wall)
{
    const std::lock_guard guard(lock_);
    if (auto same = resubmit_locked(job))
        return *same;
    if (draining_)
        return {std::nullopt, draining_problem()};
    if (!make_room_locked())
        return {std::nullopt,
                make_problem("queue-full", "More jobs are unfinished than the service remembers.",
                             "Try again in a moment.", retry_after_locked())};
    if (job.cached)
        return finish_at_once_locked(job, now, wall);
    const auto equal = works_.find(job.key);
    if (equal != works_.end() && !equal->second.run->cancel)
        return join_locked(equal->second, job, now, wall);
    return enqueue_locked(job, now, wall);
}

/// Nothing if the job is not known by its Idempotency-Key.
std::optional<Submission> JobBoard::resubmit_locked(const NewJob &job)
{
    Job *same = store_.find(idempotency_.find(Idempotency::name_of(job)));
    if (!same)
        return std::nullopt;
    if (same->view.key != job.key)
        return Submission{std::nullopt,
                          make_problem("idempotency-mismatch",
                                       "This Idempotency-Key was used for another photo or other options.",
                                       "Use a new key for each new upload.")};
    // One whose picture is gone is no use to somebody who sends the photo again.
    if (same->view.state == JobState::succeeded && !same->picture && !job.cached) {
        idempotency_.release(same->idempotency);
        return std::nullopt;
    }
    if (job.attached)
        store_.attach(*same);
    else
        same->outlives_connections = true;
    if (job.cached && same->view.state == JobState::succeeded)
        store_.keep_picture(*same, job.cached);
    return Submission{view_locked(*same), std::nullopt};
}

Submission JobBoard::finish_at_once_locked(const NewJob &job, Steady now, Wall wall)
{
    Job &done = add_locked(job, "hit", now, wall);
    done.view.started = wall;
    store_.keep_picture(done, job.cached);
    done.view.picture = job.cached->info;
    done.view.picture->timings = {};
    done.view.picture->timings.receive = job.receive_ms;
    done.view.picture->timings.total = job.receive_ms;
    Wakers nobody;
    end_locked(done, JobState::succeeded, wall, nobody);
    store_.bound_pictures();
    return {view_locked(done), std::nullopt};
}

Submission JobBoard::join_locked(Work &work, const NewJob &job, Steady now, Wall wall)
{
    Job &joined = add_locked(job, "shared", now, wall);
    joined.view.painted_by = work.run->request_id;
    joined.view.accepted = queue_->immediate();
    work.run->deadline = joined.deadline;
    share_locked(joined, work, wall);
    queue_->join(work.run, {joined.view, joined.idempotency, job.input});
    return {view_locked(joined), std::nullopt};
}

/// As far as the run is already.
void JobBoard::share_locked(Job &job, Work &work, Wall wall)
{
    if (work.running) {
        start_locked(job, wall);
        if (!work.jobs.empty()) {
            const JobView &first = work.jobs.front()->view;
            job.view.stage = first.stage;
            job.view.progress = first.progress;
        }
    }
    add_to_work(job, work);
}

Submission JobBoard::enqueue_locked(const NewJob &job, Steady now, Wall wall)
{
    if (auto refusal = queue_->refusal(retry_after_locked()))
        return {std::nullopt, std::move(refusal)};
    auto run = std::make_shared<Run>();
    run->key = job.key;
    run->request_id = job.request_id;
    run->options = job.options;
    run->input = job.input;
    run->receive_ms = job.receive_ms;
    run->queued = now;
    run->deadline = now + settings_.deadline;
    // A cancelled run of the same key may still be stopping; its own end finds another here and leaves it.
    Work &work = works_[job.key] = Work{run, {}, false};
    Job &added = add_locked(job, "miss", now, wall);
    added.view.accepted = queue_->immediate();
    add_to_work(added, work);
    queue_->put(run, {added.view, added.idempotency, job.input});
    changed_.notify_one();
    return {view_locked(added), std::nullopt};
}

} // namespace anime::service
