// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/jobs.h"

#include <algorithm>
#include <utility>

namespace anime::service
{

namespace
{

Problem waited_too_long(std::chrono::seconds deadline)
{
    const auto seconds = static_cast<std::uint64_t>(deadline.count());
    Problem problem = make_problem(
        "deadline", "The photo waited longer than the service allows (" + std::to_string(seconds) + " s).",
        "Try again when the service is less busy.");
    problem.limit = seconds;
    return problem;
}

} // namespace

const char *name_of(JobState state)
{
    switch (state) {
    case JobState::queued:
        return "queued";
    case JobState::running:
        return "running";
    case JobState::succeeded:
        return "succeeded";
    case JobState::failed:
        return "failed";
    case JobState::cancelled:
        return "cancelled";
    }
    return "failed";
}

void JobBoard::wake(const Wakers &wakers)
{
    for (const auto &waker : wakers)
        waker->wake();
}

void JobBoard::change_locked(Job &job, Wakers &wakers)
{
    ++job.view.version;
    std::erase_if(job.listeners, [&](const std::weak_ptr<Waker> &listener) {
        if (auto waker = listener.lock()) {
            wakers.push_back(std::move(waker));
            return false;
        }
        return true;
    });
}

void JobBoard::release_key_locked(Job &job)
{
    if (!job.idempotency.empty())
        idempotent_.erase(job.idempotency);
    job.idempotency.clear();
}

void JobBoard::attach_locked(Job &job, bool attached)
{
    if (attached)
        ++job.attached;
    else
        job.outlives_connections = true;
}

void JobBoard::end_locked(Job &job, JobState state, Wall wall, Wakers &wakers)
{
    job.view.state = state;
    job.view.stage = "done";
    job.view.finished = wall;
    job.view.expires = wall + settings_.job_ttl;
    job.task.reset();
    if (state == JobState::succeeded)
        job.view.progress = 1;
    change_locked(job, wakers);
}

JobView JobBoard::view_locked(const Job &job) const
{
    JobView view = job.view;
    view.position = 0;
    if (view.state == JobState::queued) {
        const auto at = std::find(queue_.begin(), queue_.end(), job.task);
        if (at != queue_.end())
            view.position = static_cast<std::size_t>(at - queue_.begin()) + 1;
    }
    return view;
}

std::optional<JobView> JobBoard::find(const std::string &id) const
{
    const std::lock_guard guard(lock_);
    const auto found = jobs_.find(id);
    if (found == jobs_.end())
        return std::nullopt;
    return view_locked(*found->second);
}

void JobBoard::listen(const std::string &id, const std::shared_ptr<Waker> &waker)
{
    const std::lock_guard guard(lock_);
    const auto found = jobs_.find(id);
    if (found == jobs_.end() || is_final(found->second->view.state))
        return;
    auto &listeners = found->second->listeners;
    // The job may not change for a minute, while clients come and go.
    std::erase_if(listeners, [](const std::weak_ptr<Waker> &listener) { return listener.expired(); });
    listeners.push_back(waker);
}

std::optional<JobView> JobBoard::cancel(const std::string &id, Wall wall)
{
    Wakers wakers;
    std::optional<JobView> view;
    {
        const std::lock_guard guard(lock_);
        const auto found = jobs_.find(id);
        if (found == jobs_.end())
            return std::nullopt;
        if (!is_final(found->second->view.state))
            cancel_locked(found->second, wall, wakers);
        view = view_locked(*found->second);
    }
    wake(wakers);
    return view;
}

void JobBoard::detach(const std::string &id, Wall wall)
{
    Wakers wakers;
    {
        const std::lock_guard guard(lock_);
        const auto found = jobs_.find(id);
        if (found == jobs_.end())
            return;
        Job &job = *found->second;
        --job.attached;
        if (job.attached == 0 && !job.outlives_connections && !is_final(job.view.state))
            cancel_locked(found->second, wall, wakers);
        bound_pictures_locked();
    }
    wake(wakers);
}

void JobBoard::cancel_locked(const JobPtr &job, Wall wall, Wakers &wakers)
{
    const TaskPtr task = job->task;
    end_locked(*job, JobState::cancelled, wall, wakers);
    release_key_locked(*job); // who sends it again wants it painted
    leave_work_locked(job, task, wakers);
}

void JobBoard::leave_work_locked(const JobPtr &job, const TaskPtr &task, Wakers &wakers)
{
    const auto work = works_.find(task->key);
    if (work == works_.end() || work->second.task != task)
        return;
    std::erase(work->second.jobs, job);
    if (!work->second.jobs.empty())
        return;
    task->cancel = true;
    if (!work->second.running) {
        std::erase(queue_, task);
        works_.erase(work);
        move_queue_locked(wakers);
    }
}

void JobBoard::move_queue_locked(Wakers &wakers)
{
    for (const TaskPtr &task : queue_)
        for (const JobPtr &job : works_.at(task->key).jobs)
            change_locked(*job, wakers);
}

TaskPtr JobBoard::take()
{
    Wakers wakers;
    TaskPtr task;
    {
        std::unique_lock guard(lock_);
        changed_.wait(guard, [this] { return draining_ || !queue_.empty(); });
        if (queue_.empty())
            return nullptr;
        task = queue_.front();
        queue_.pop_front();
        task->taken = true;
        ++running_;
        ++taken_;
        Work &work = works_.at(task->key);
        work.running = true;
        work.started = std::chrono::steady_clock::now();
        const Wall wall = std::chrono::system_clock::now();
        for (const JobPtr &job : work.jobs) {
            job->view.state = JobState::running;
            job->view.started = wall;
            job->view.stage = "decode";
            change_locked(*job, wakers);
        }
        move_queue_locked(wakers);
    }
    wake(wakers);
    return task;
}

/// Once for each task, also where a worker fails after it had finished: running_ never goes below what runs.
void JobBoard::give_back_locked(const TaskPtr &task)
{
    if (std::exchange(task->taken, false))
        --running_;
}

void JobBoard::progress(const TaskPtr &task, const std::string &stage, double fraction)
{
    Wakers wakers;
    {
        const std::lock_guard guard(lock_);
        const auto work = works_.find(task->key);
        if (work == works_.end() || work->second.task != task)
            return;
        for (const JobPtr &job : work->second.jobs) {
            job->view.stage = stage;
            job->view.progress = fraction;
            change_locked(*job, wakers);
        }
    }
    wake(wakers);
}

void JobBoard::finish(const TaskPtr &task, const PicturePtr &picture, Wall wall, bool found)
{
    Wakers wakers;
    {
        const std::lock_guard guard(lock_);
        give_back_locked(task);
        const Timings &timings = picture->info.timings;
        const double seconds = (timings.total - timings.queue - timings.receive) / 1000;
        if (!found)
            mean_run_seconds_ = mean_run_seconds_ == 0 ? seconds : 0.8 * mean_run_seconds_ + 0.2 * seconds;
        for (const JobPtr &job : take_work_locked(task)) {
            keep_locked(*job, picture);
            job->view.picture = picture->info;
            if (found)
                job->view.cache = "hit";
            end_locked(*job, JobState::succeeded, wall, wakers);
        }
        bound_pictures_locked();
    }
    wake(wakers);
}

void JobBoard::fail(const TaskPtr &task, const Problem &problem, Wall wall)
{
    Wakers wakers;
    {
        const std::lock_guard guard(lock_);
        give_back_locked(task);
        for (const JobPtr &job : take_work_locked(task))
            fail_locked(*job, problem, wall, wakers);
    }
    wake(wakers);
}

/// The jobs that wait for it, and nobody else joins; none where another task of its key has taken its place.
std::vector<JobBoard::JobPtr> JobBoard::take_work_locked(const TaskPtr &task)
{
    const auto work = works_.find(task->key);
    if (work == works_.end() || work->second.task != task)
        return {};
    std::vector<JobPtr> jobs = std::move(work->second.jobs);
    works_.erase(work);
    return jobs;
}

PicturePtr JobBoard::picture(const std::string &id) const
{
    const std::lock_guard guard(lock_);
    const auto found = jobs_.find(id);
    return found == jobs_.end() ? nullptr : found->second->picture;
}

void JobBoard::delivered(const std::string &id)
{
    const std::lock_guard guard(lock_);
    const auto found = jobs_.find(id);
    if (found != jobs_.end() && found->second->attached == 0)
        drop_picture_locked(*found->second);
}

void JobBoard::keep_locked(Job &job, const PicturePtr &picture)
{
    drop_picture_locked(job);
    job.picture = picture;
    result_bytes_ += picture->data->size();
}

void JobBoard::drop_picture_locked(Job &job)
{
    if (job.picture)
        result_bytes_ -= job.picture->data->size();
    job.picture.reset();
}

/// The oldest first, and never one that a connection waits for: there are no more of those than connections.
void JobBoard::bound_pictures_locked()
{
    for (auto id = order_.begin(); id != order_.end() && result_bytes_ > settings_.result_bytes; ++id)
        if (Job &job = *jobs_.at(*id); job.attached == 0)
            drop_picture_locked(job);
}

bool JobBoard::missed_deadline_locked(const Job &job, Steady now) const
{
    if (is_final(job.view.state) || job.deadline > now)
        return false;
    // Whoever runs it knows better at which stage the time was up.
    return job.view.state == JobState::queued || job.task->deadline.load() > now;
}

JobView JobBoard::fail_locked(Job &job, const Problem &problem, Wall wall, Wakers &wakers)
{
    job.view.problem = problem;
    JobView failed = job.view;
    end_locked(job, JobState::failed, wall, wakers);
    return failed;
}

std::vector<JobView> JobBoard::tick(Steady now, Wall wall)
{
    Wakers wakers;
    std::vector<JobView> failed;
    {
        const std::lock_guard guard(lock_);
        for (const auto &[id, job] : jobs_) {
            if (!missed_deadline_locked(*job, now))
                continue;
            const TaskPtr task = job->task;
            failed.push_back(fail_locked(*job, waited_too_long(settings_.deadline), wall, wakers));
            leave_work_locked(job, task, wakers);
        }
        std::erase_if(order_, [&](const std::string &id) {
            const JobPtr &job = jobs_.at(id);
            if (!is_final(job->view.state) || job->attached > 0 || job->view.expires > wall)
                return false;
            release_key_locked(*job);
            drop_picture_locked(*job);
            jobs_.erase(id);
            return true;
        });
    }
    wake(wakers);
    return failed;
}

void JobBoard::drain()
{
    {
        const std::lock_guard guard(lock_);
        draining_ = true;
    }
    changed_.notify_all();
}

bool JobBoard::draining() const
{
    const std::lock_guard guard(lock_);
    return draining_;
}

std::vector<JobView> JobBoard::abandon(const Problem &problem, Wall wall)
{
    Wakers wakers;
    std::vector<JobView> failed;
    {
        const std::lock_guard guard(lock_);
        for (const auto &[key, work] : works_) {
            work.task->cancel = true;
            for (const JobPtr &job : work.jobs)
                failed.push_back(fail_locked(*job, problem, wall, wakers));
        }
        works_.clear();
        queue_.clear();
    }
    changed_.notify_all();
    wake(wakers);
    return failed;
}

JobBoard::Load JobBoard::load(Steady now) const
{
    const std::lock_guard guard(lock_);
    Load load;
    load.queued = queue_.size();
    load.running = running_;
    load.jobs = jobs_.size();
    load.taken = taken_;
    load.result_bytes = result_bytes_;
    if (!queue_.empty())
        load.oldest_seconds = std::chrono::duration<double>(now - queue_.front()->queued).count();
    return load;
}

} // namespace anime::service
