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

/// Jobs that a tick ends or forgets before it lets others at the lock.
constexpr std::size_t most_in_one_go = 256;

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
    collect_listeners_locked(job, wakers);
}

void JobBoard::collect_listeners_locked(Job &job, Wakers &wakers)
{
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
    if (!attached) {
        job.outlives_connections = true;
        return;
    }
    ++job.attached;
    forgettable_.erase({job.view.expires, &job});
}

void JobBoard::end_locked(Job &job, JobState state, Wall wall, Wakers &wakers)
{
    leave_queue_locked(job);
    unfinished_.erase({job.deadline, &job});
    job.view.state = state;
    job.view.stage = "done";
    job.view.finished = wall;
    job.view.expires = wall + settings_.job_ttl;
    job.task.reset();
    if (state == JobState::succeeded)
        job.view.progress = 1;
    if (job.attached == 0)
        forgettable_.insert({job.view.expires, &job});
    change_locked(job, wakers);
}

void JobBoard::forget_locked(Job &job)
{
    release_key_locked(job);
    drop_picture_locked(job);
    forgettable_.erase({job.view.expires, &job});
    const std::string id = job.view.id; // the job goes with its entry
    jobs_.erase(id);
}

JobView JobBoard::view_locked(const Job &job) const
{
    JobView view = job.view;
    view.position = 0;
    if (view.state != JobState::queued)
        return view;
    view.version += moves_ - job.moves;
    if (const auto work = works_.find(view.key); work != works_.end() && work->second.task == job.task)
        view.position = queue_.order_of_key(work->second.ticket) + 1;
    return view;
}

/// The state is changed by the caller.
void JobBoard::leave_queue_locked(Job &job)
{
    if (job.view.state != JobState::queued)
        return;
    job.view.version += moves_ - job.moves;
    watched_.erase(&job);
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
    if (found->second->view.state == JobState::queued)
        watched_.insert(found->second.get());
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
            cancel_locked(*found->second, wall, wakers);
        view = view_locked(*found->second);
        tell_of_moves_locked(wakers);
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
        if (job.attached == 0 && is_final(job.view.state))
            forgettable_.insert({job.view.expires, &job});
        else if (job.attached == 0 && !job.outlives_connections)
            cancel_locked(job, wall, wakers);
        bound_pictures_locked();
        tell_of_moves_locked(wakers);
    }
    wake(wakers);
}

void JobBoard::cancel_locked(Job &job, Wall wall, Wakers &wakers)
{
    const TaskPtr task = job.task;
    end_locked(job, JobState::cancelled, wall, wakers);
    release_key_locked(job); // who sends it again wants it painted
    leave_work_locked(job, task);
}

void JobBoard::add_to_work_locked(Job &job, Work &work)
{
    job.task = work.task;
    job.in_work = work.jobs.insert(work.jobs.end(), &job);
}

void JobBoard::leave_work_locked(Job &job, const TaskPtr &task)
{
    const auto work = works_.find(task->key);
    if (work == works_.end() || work->second.task != task)
        return;
    work->second.jobs.erase(job.in_work);
    if (!work->second.jobs.empty())
        return;
    task->cancel = true;
    if (!work->second.running) {
        queue_.erase(work->second.ticket);
        works_.erase(work);
        ++moves_;
        moved_ = true;
    }
}

/// At the end of whatever may have moved the queue, once.
void JobBoard::tell_of_moves_locked(Wakers &wakers)
{
    if (!std::exchange(moved_, false))
        return;
    std::erase_if(watched_, [&](Job *job) {
        collect_listeners_locked(*job, wakers);
        return job->listeners.empty();
    });
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
        task = queue_.begin()->second;
        queue_.erase(queue_.begin());
        ++moves_;
        moved_ = true;
        task->taken = true;
        ++running_;
        ++taken_;
        Work &work = works_.at(task->key);
        work.running = true;
        const Wall wall = std::chrono::system_clock::now();
        for (Job *job : work.jobs) {
            leave_queue_locked(*job);
            job->view.state = JobState::running;
            job->view.started = wall;
            job->view.stage = "decode";
            change_locked(*job, wakers);
        }
        tell_of_moves_locked(wakers);
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
        for (Job *job : work->second.jobs) {
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
        for (Job *job : take_work_locked(task)) {
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
        for (Job *job : take_work_locked(task))
            fail_locked(*job, problem, wall, wakers);
    }
    wake(wakers);
}

/// The jobs that wait for it, and nobody else joins; none where another task of its key has taken its place.
std::list<JobBoard::Job *> JobBoard::take_work_locked(const TaskPtr &task)
{
    const auto work = works_.find(task->key);
    if (work == works_.end() || work->second.task != task)
        return {};
    std::list<Job *> jobs = std::move(work->second.jobs);
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
    job.pictured = pictured_.insert(pictured_.end(), &job);
    result_bytes_ += picture->data->size();
}

void JobBoard::drop_picture_locked(Job &job)
{
    if (!job.picture)
        return;
    result_bytes_ -= job.picture->data->size();
    pictured_.erase(job.pictured);
    job.picture.reset();
}

/// The oldest first, and never one that a connection waits for: there are no more of those than connections.
void JobBoard::bound_pictures_locked()
{
    for (auto next = pictured_.begin(); next != pictured_.end() && result_bytes_ > settings_.result_bytes;)
        if (Job &job = **next++; job.attached == 0)
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
    if (problem.status >= 500)
        release_key_locked(job); // the remedy is to try again, which the key must not stop
    JobView failed = job.view;
    end_locked(job, JobState::failed, wall, wakers);
    return failed;
}

std::vector<JobView> JobBoard::tick(Steady now, Wall wall)
{
    std::vector<JobView> failed;
    while (tick_some(now, wall, failed)) {
    }
    return failed;
}

/// True if there may be more to do.
bool JobBoard::tick_some(Steady now, Wall wall, std::vector<JobView> &failed)
{
    Wakers wakers;
    std::size_t done = 0;
    {
        const std::lock_guard guard(lock_);
        for (auto next = unfinished_.begin();
             next != unfinished_.end() && next->first <= now && done < most_in_one_go;) {
            Job &job = *(next++)->second;
            if (!missed_deadline_locked(job, now))
                continue;
            const TaskPtr task = job.task;
            failed.push_back(fail_locked(job, waited_too_long(settings_.deadline), wall, wakers));
            leave_work_locked(job, task);
            ++done;
        }
        for (; !forgettable_.empty() && forgettable_.begin()->first <= wall && done < most_in_one_go; ++done)
            forget_locked(*forgettable_.begin()->second);
        tell_of_moves_locked(wakers);
    }
    wake(wakers);
    return done == most_in_one_go;
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
            for (Job *job : work.jobs)
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
        load.oldest_seconds = std::chrono::duration<double>(now - queue_.begin()->second->queued).count();
    return load;
}

} // namespace anime::service
