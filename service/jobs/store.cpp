// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/jobs/store.h"

namespace anime::service
{

Job &JobStore::add(JobView view, Steady deadline)
{
    auto added = std::make_unique<Job>();
    Job &job = *added;
    job.view = std::move(view);
    job.deadline = deadline;
    job.serial = ++made_;
    unfinished_.insert({deadline, &job});
    jobs_[job.view.id] = std::move(added);
    return job;
}

Job *JobStore::find(const std::string &id) const
{
    const auto found = jobs_.find(id);
    return found == jobs_.end() ? nullptr : found->second.get();
}

void JobStore::end(Job &job)
{
    unfinished_.erase({job.deadline, &job});
    if (job.counts)
        ++finished_[{job.view.state, job.view.problem ? job.view.problem->code : std::string()}];
    if (job.attached == 0)
        forgettable_.insert({job.view.expires, &job});
}

void JobStore::attach(Job &job)
{
    ++job.attached;
    forgettable_.erase({job.view.expires, &job});
}

void JobStore::detach(Job &job)
{
    --job.attached;
    if (job.attached == 0 && is_final(job.view.state))
        forgettable_.insert({job.view.expires, &job});
}

Job *JobStore::forgettable() const
{
    return forgettable_.empty() ? nullptr : forgettable_.begin()->second;
}

void JobStore::forget(Job &job)
{
    drop_picture(job);
    forgettable_.erase({job.view.expires, &job});
    const std::string id = job.view.id; // the job goes with its entry
    jobs_.erase(id);
}

void JobStore::keep_picture(Job &job, const PicturePtr &picture)
{
    drop_picture(job);
    job.picture = picture;
    job.pictured = pictured_.insert(pictured_.end(), &job);
    result_bytes_ += picture->data->size();
}

void JobStore::drop_picture(Job &job)
{
    if (!job.picture)
        return;
    result_bytes_ -= job.picture->data->size();
    pictured_.erase(job.pictured);
    job.picture.reset();
}

void JobStore::bound_pictures()
{
    for (auto next = pictured_.begin(); next != pictured_.end() && result_bytes_ > most_result_bytes_;)
        if (Job &job = **next++; job.attached == 0)
            drop_picture(job);
}

} // namespace anime::service
