// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/jobs/board.h"

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

JobBoard::JobBoard(const Settings &settings, std::unique_ptr<Queue> queue)
    : settings_(settings),
      queue_(queue ? std::move(queue) : std::make_unique<LocalQueue>(settings.queue_size)),
      store_(settings.result_bytes)
{
}

void JobBoard::change_locked(Job &job, Wakers &wakers)
{
    ++job.view.version;
    Listeners::collect(job, wakers);
}

/// The state is changed by the caller.
void JobBoard::leave_queue_locked(Job &job)
{
    if (job.view.state != JobState::queued)
        return;
    job.view.version += queue_->moves() - job.moves;
    listeners_.left_queue(job);
}

void JobBoard::start_locked(Job &job, Wall wall)
{
    leave_queue_locked(job);
    job.view.state = JobState::running;
    job.view.started = wall;
    job.view.stage = "decode";
}

void JobBoard::end_locked(Job &job, JobState state, Wall wall, Wakers &wakers)
{
    leave_queue_locked(job);
    job.view.state = state;
    job.view.stage = "done";
    job.view.finished = wall;
    job.view.expires = wall + settings_.job_ttl;
    job.run.reset();
    if (state == JobState::succeeded)
        job.view.progress = 1;
    store_.end(job);
    change_locked(job, wakers);
}

JobView JobBoard::fail_locked(Job &job, const Problem &problem, Wall wall, Wakers &wakers)
{
    job.view.problem = problem;
    if (problem.status >= 500)
        idempotency_.release(job.idempotency); // the remedy is to try again, which the key must not stop
    JobView failed = job.view;
    end_locked(job, JobState::failed, wall, wakers);
    return failed;
}

void JobBoard::forget_locked(Job &job)
{
    idempotency_.release(job.idempotency);
    store_.forget(job);
}

JobView JobBoard::view_locked(const Job &job) const
{
    JobView view = job.view;
    view.position = 0;
    if (view.state != JobState::queued)
        return view;
    view.version += queue_->moves() - job.moves;
    if (const auto work = works_.find(view.key); work != works_.end() && work->second.run == job.run)
        view.position = queue_->position(*job.run);
    return view;
}

std::optional<JobView> JobBoard::find(const std::string &id) const
{
    const std::lock_guard guard(lock_);
    const Job *job = store_.find(id);
    return job ? std::optional(view_locked(*job)) : std::nullopt;
}

void JobBoard::listen(const std::string &id, const std::shared_ptr<Waker> &waker)
{
    const std::lock_guard guard(lock_);
    Job *job = store_.find(id);
    if (job && !is_final(job->view.state))
        listeners_.listen(*job, waker);
}

std::optional<JobView> JobBoard::cancel(const std::string &id, Wall wall)
{
    Wakers wakers;
    std::optional<JobView> view;
    {
        const std::lock_guard guard(lock_);
        Job *job = store_.find(id);
        if (!job)
            return std::nullopt;
        if (!is_final(job->view.state))
            cancel_locked(*job, wall, wakers);
        view = view_locked(*job);
        listeners_.collect_moves(queue_->moves(), wakers);
    }
    Listeners::wake(wakers);
    return view;
}

void JobBoard::detach(const std::string &id, Wall wall)
{
    Wakers wakers;
    {
        const std::lock_guard guard(lock_);
        Job *job = store_.find(id);
        if (job && !job->view.same_as.empty())
            job = store_.find(job->view.same_as);
        if (!job)
            return;
        store_.detach(*job);
        if (job->attached == 0 && !job->outlives_connections && !is_final(job->view.state))
            cancel_locked(*job, wall, wakers);
        store_.bound_pictures();
        listeners_.collect_moves(queue_->moves(), wakers);
    }
    Listeners::wake(wakers);
}

void JobBoard::cancel_locked(Job &job, Wall wall, Wakers &wakers)
{
    const RunPtr run = job.run;
    end_locked(job, JobState::cancelled, wall, wakers);
    idempotency_.release(job.idempotency); // who sends it again wants it painted
    leave_work_locked(job, run);
}

void JobBoard::add_to_work(Job &job, Work &work)
{
    job.run = work.run;
    job.in_work = work.jobs.insert(work.jobs.end(), &job);
}

void JobBoard::leave_work_locked(Job &job, const RunPtr &run)
{
    const auto work = works_.find(run->key);
    if (work == works_.end() || work->second.run != run)
        return;
    work->second.jobs.erase(job.in_work);
    const bool last = work->second.jobs.empty();
    queue_->leave(run, job.view, last);
    if (!last)
        return;
    run->cancel = true;
    if (!work->second.running)
        works_.erase(work);
}

RunPtr JobBoard::take()
{
    Wakers wakers;
    RunPtr run;
    {
        std::unique_lock guard(lock_);
        changed_.wait(guard, [this] { return draining_ || queue_->size() > 0; });
        run = queue_->take();
        if (!run)
            return nullptr;
        begin_locked(run, std::chrono::system_clock::now(), wakers);
        listeners_.collect_moves(queue_->moves(), wakers);
    }
    Listeners::wake(wakers);
    return run;
}

void JobBoard::begin_locked(const RunPtr &run, Wall wall, Wakers &wakers)
{
    run->taken = true;
    ++running_;
    ++taken_;
    Work &work = works_.at(run->key);
    work.running = true;
    for (Job *job : work.jobs) {
        start_locked(*job, wall);
        change_locked(*job, wakers);
    }
}

/// Once for each run, also where a worker fails after it had finished: running_ never goes below what runs.
void JobBoard::give_back_locked(const RunPtr &run)
{
    if (std::exchange(run->taken, false))
        --running_;
}

void JobBoard::progress(const RunPtr &run, const std::string &stage, double fraction)
{
    Wakers wakers;
    {
        const std::lock_guard guard(lock_);
        const auto work = works_.find(run->key);
        if (work == works_.end() || work->second.run != run)
            return;
        for (Job *job : work->second.jobs) {
            job->view.stage = stage;
            job->view.progress = fraction;
            change_locked(*job, wakers);
        }
    }
    Listeners::wake(wakers);
}

void JobBoard::finish(const RunPtr &run, const PicturePtr &picture, Wall wall, bool found)
{
    Wakers wakers;
    {
        const std::lock_guard guard(lock_);
        give_back_locked(run);
        const Timings &timings = picture->info.timings;
        const double seconds = (timings.total - timings.queue - timings.receive) / 1000;
        if (!found)
            mean_run_seconds_ = mean_run_seconds_ == 0 ? seconds : 0.8 * mean_run_seconds_ + 0.2 * seconds;
        for (Job *job : take_work_locked(run)) {
            store_.keep_picture(*job, picture);
            job->view.picture = picture->info;
            if (found)
                job->view.cache = "hit";
            end_locked(*job, JobState::succeeded, wall, wakers);
        }
        store_.bound_pictures();
    }
    Listeners::wake(wakers);
}

void JobBoard::fail(const RunPtr &run, const Problem &problem, Wall wall)
{
    Wakers wakers;
    {
        const std::lock_guard guard(lock_);
        give_back_locked(run);
        for (Job *job : take_work_locked(run))
            fail_locked(*job, problem, wall, wakers);
    }
    Listeners::wake(wakers);
}

/// The jobs that wait for it, and nobody else joins; none where another run of its key has taken its place.
std::list<Job *> JobBoard::take_work_locked(const RunPtr &run)
{
    const auto work = works_.find(run->key);
    if (work == works_.end() || work->second.run != run)
        return {};
    std::list<Job *> jobs = std::move(work->second.jobs);
    works_.erase(work);
    return jobs;
}

PicturePtr JobBoard::picture(const std::string &id) const
{
    const std::lock_guard guard(lock_);
    const Job *job = store_.find(id);
    return job ? job->picture : nullptr;
}

void JobBoard::delivered(const std::string &id)
{
    const std::lock_guard guard(lock_);
    Job *job = store_.find(id);
    if (job && job->attached == 0)
        store_.drop_picture(*job);
}

bool JobBoard::missed_deadline_locked(const Job &job, Steady now) const
{
    // Whoever runs it knows better at which stage the time was up.
    return job.view.state == JobState::queued || job.run->deadline.load() > now;
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
        store_.each_overdue(now, [&](Job &job) {
            if (!missed_deadline_locked(job, now))
                return true;
            const RunPtr run = job.run;
            failed.push_back(fail_locked(job, waited_too_long(settings_.deadline), wall, wakers));
            leave_work_locked(job, run);
            return ++done < most_in_one_go;
        });
        for (Job *job = store_.forgettable(); job && job->view.expires <= wall && done < most_in_one_go;
             job = store_.forgettable(), ++done)
            forget_locked(*job);
        listeners_.collect_moves(queue_->moves(), wakers);
    }
    Listeners::wake(wakers);
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
            work.run->cancel = true;
            for (Job *job : work.jobs)
                failed.push_back(fail_locked(*job, problem, wall, wakers));
        }
        works_.clear();
        queue_->clear();
    }
    changed_.notify_all();
    Listeners::wake(wakers);
    return failed;
}

JobBoard::Load JobBoard::load(Steady now) const
{
    const std::lock_guard guard(lock_);
    Load load;
    load.queued = queue_->size();
    load.running = running_;
    load.jobs = store_.size();
    load.taken = taken_;
    load.result_bytes = store_.result_bytes();
    load.finished = store_.finished();
    if (const auto oldest = queue_->oldest())
        load.oldest_seconds = std::chrono::duration<double>(now - *oldest).count();
    return load;
}

} // namespace anime::service
