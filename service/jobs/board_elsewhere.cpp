// SPDX-License-Identifier: LGPL-2.1-or-later
// What a queue outside of this process has to tell of the jobs in it.
#include "service/jobs/board.h"

namespace anime::service
{

bool JobBoard::wanted(const RunPtr &run) const
{
    const std::lock_guard guard(lock_);
    const auto work = works_.find(run->key);
    return work != works_.end() && work->second.run == run && !work->second.jobs.empty();
}

void JobBoard::called_off(const RunPtr &run, Wall wall)
{
    Wakers wakers;
    {
        const std::lock_guard guard(lock_);
        give_back_locked(run);
        for (Job *job : take_work_locked(run)) {
            idempotency_.release(job->idempotency);
            end_locked(*job, JobState::cancelled, wall, wakers);
        }
    }
    Listeners::wake(wakers);
}

void JobBoard::started(const RunPtr &run, Wall started)
{
    Wakers wakers;
    {
        const std::lock_guard guard(lock_);
        const auto work = works_.find(run->key);
        if (work == works_.end() || work->second.run != run || work->second.running)
            return;
        begin_locked(run, started, wakers);
    }
    Listeners::wake(wakers);
}

void JobBoard::accepted(const std::string &id)
{
    Wakers wakers;
    {
        const std::lock_guard guard(lock_);
        Job *job = store_.find(id);
        if (!job || job->view.accepted)
            return;
        job->view.accepted = true;
        change_locked(*job, wakers);
    }
    Listeners::wake(wakers);
}

void JobBoard::refuse(const std::string &id, const Problem &problem, Wall wall)
{
    Wakers wakers;
    {
        const std::lock_guard guard(lock_);
        Job *job = store_.find(id);
        if (!job || is_final(job->view.state))
            return;
        job->view.refused = true;
        dismiss_locked(*job, wall, wakers, problem);
    }
    Listeners::wake(wakers);
}

void JobBoard::redirect(const std::string &id, const std::string &other, Wall wall)
{
    Wakers wakers;
    {
        const std::lock_guard guard(lock_);
        Job *job = store_.find(id);
        if (!job || is_final(job->view.state))
            return;
        job->view.same_as = other;
        if (Job *same = store_.find(other)) {
            // What waits for this one waits for that.
            for (; job->attached > 0; store_.detach(*job))
                store_.attach(*same);
        }
        dismiss_locked(*job, wall, wakers, std::nullopt);
    }
    Listeners::wake(wakers);
}

/// It never was one: whoever waits for it is told, and it is forgotten at the next tick.
void JobBoard::dismiss_locked(Job &job, Wall wall, Wakers &wakers, const std::optional<Problem> &problem)
{
    const RunPtr run = job.run;
    job.view.problem = problem;
    job.counts = false;
    idempotency_.release(job.idempotency);
    const auto work = works_.find(run->key);
    if (work != works_.end() && work->second.run == run) {
        work->second.jobs.erase(job.in_work);
        if (work->second.jobs.empty()) {
            run->cancel = true;
            give_back_locked(run);
            works_.erase(work);
        }
    }
    end_locked(job, JobState::failed, wall - settings_.job_ttl + dismissed_for, wakers);
}

RunPtr JobBoard::adopt(const JobView &view, const RunPtr &run, Steady deadline)
{
    const std::lock_guard guard(lock_);
    if (store_.find(view.id) || !make_room_locked())
        return nullptr;
    Job &job = store_.add(view, deadline);
    job.moves = queue_->moves();
    job.outlives_connections = true;
    job.counts = false;
    if (is_final(view.state)) {
        store_.end(job);
        return nullptr;
    }
    const JobState state = view.state;
    job.view.state = JobState::queued;
    const auto equal = works_.find(view.key);
    Work &work = equal != works_.end() && !equal->second.run->cancel
                     ? equal->second
                     : works_[view.key] = Work{run, {}, false};
    share_locked(job, work, view.started);
    if (state == JobState::running && !work.running) {
        Wakers nobody;
        begin_locked(work.run, view.started, nobody);
    }
    job.view.stage = view.stage;
    job.view.progress = view.progress;
    return work.run;
}

} // namespace anime::service
