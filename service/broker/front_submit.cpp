// SPDX-License-Identifier: LGPL-2.1-or-later
// How a front hands a job to the broker: its key, its work's record, its own record, the task.
#include "service/broker/front.h"

#include "service/broker/times.h"
#include "service/text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace anime::service::broker
{

void Front::submit(const RunPtr &run, const Entrant &entrant)
{
    const JobView &job = entrant.job;
    for (;;) {
        try {
            if (try_submit(run, entrant) == Tried::done)
                return;
            continue;
        } catch (const BrokerError &error) {
            if (error.fault() == Fault::gone && now() - job.created < try_for && !outbox_.stopping()) {
                std::this_thread::sleep_for(pause);
                continue;
            }
            log_.failure(job.request_id, problem_of(error), "queue",
                         {{"reason", error.what()}, {"job", job.id}});
            withdraw(job, problem_of(error));
        } catch (const std::exception &error) {
            const Problem failed =
                make_problem("service-failed", "The service could not take this photo.",
                             "Try again in a moment; if it stays so, tell the operator the request id.", 5);
            log_.failure(job.request_id, failed, "queue", {{"reason", error.what()}, {"job", job.id}});
            withdraw(job, failed);
        }
        return;
    }
}

Front::Tried Front::try_submit(const RunPtr &run, const Entrant &entrant)
{
    const JobView &job = entrant.job;
    if (!entrant.idempotency.empty()) {
        bool elsewhere = false;
        if (claim_key(job, entrant.idempotency, elsewhere) == Tried::again)
            return Tried::again;
        if (elsewhere)
            return Tried::done;
    }
    Work work;
    PicturePtr picture;
    if (!enter(run, entrant, work, picture))
        return Tried::again;
    const char *cache = picture ? "hit" : work.jobs.size() > 1 || work.more ? "shared" : "miss";
    JobRecord record{job, work.generation, false, {}};
    record.view.cache = cache;
    jobs_.try_put(job.id, write(record), 0); // it may be there, from a try whose answer was lost
    metrics_.cache(cache);
    if (picture) {
        log_.write(Level::info, Layer::inference, job.request_id, "no need to paint",
                   {{"cache", cache}, {"job", job.id}});
        deliver(run, picture, true);
        return Tried::done;
    }
    if (work.state == JobState::queued && work.sequence == 0)
        publish(run, entrant, work);
    board_->accepted(job.id);
    apply(run->key, work);
    return Tried::done;
}

/// The Idempotency-Key is this job's from here on, or else `elsewhere`: whoever waits was told of another.
Front::Tried Front::claim_key(const JobView &job, const std::string &idempotency, bool &elsewhere)
{
    const std::string name = sha256(idempotency);
    std::uint64_t revision = 0;
    if (const auto entry = idems_.get(name)) {
        const IdemRecord known = read_idem(entry->value);
        if (known.job == job.id)
            return Tried::done;
        adopt(known.job);
        const auto other = board_->find(known.job);
        const bool free = !other || other->state == JobState::cancelled || other->refused ||
                          (other->problem && other->problem->status >= 500);
        if (!free && known.key != job.key) {
            withdraw(job, make_problem("idempotency-mismatch",
                                       "This Idempotency-Key was used for another photo or other options.",
                                       "Use a new key for each new upload."));
            elsewhere = true;
            return Tried::done;
        }
        if (!free) {
            board_->redirect(job.id, known.job, now());
            elsewhere = true;
            return Tried::done;
        }
        revision = entry->revision;
    }
    return idems_.try_put(name, write(IdemRecord{job.id, job.key}), revision) ? Tried::done : Tried::again;
}

/// Puts the job into its work's record: queued, joined, or done with a `picture` that is known. False if
/// somebody else was faster.
bool Front::enter(const RunPtr &run, const Entrant &entrant, Work &work, PicturePtr &picture)
{
    const JobView &job = entrant.job;
    const PicturePtr here = host_.find(run->key);
    const auto entry = states_.get(run->key);
    const std::optional<Work> known = entry ? std::optional(read_work(entry->value)) : std::nullopt;
    const bool abandoned = known && known->deadline + grace() < now();
    if (known && !is_final(known->state) && !abandoned) {
        work = *known;
    } else if (known && known->state == JobState::succeeded &&
               (picture = find_result(connection_, run->key))) {
        work = *known;
        follow(run, job.id, work.generation, entrant.input);
        return true;
    } else {
        work = known ? next_generation(*known) : Work{};
        work.queued = now();
        work.request_id = run->request_id;
        if (here) {
            // The other fronts will be asked for it too.
            put_result(connection_, run->key, *here);
            picture = here;
            work.picture = here->info;
            end(work, JobState::succeeded, std::nullopt);
        }
    }
    add_job(work, job.id);
    work.deadline = std::max(work.deadline, wall(run->deadline));
    ++work.version;
    // Before it is written: the watch may tell of what comes next before put() returns.
    follow(run, job.id, work.generation, entrant.input);
    return states_.try_put(run->key, write(work), entry ? entry->revision : 0).has_value();
}

/// Sent again under the same id, it is known there. Whoever joined may send it before whoever came first.
void Front::publish(const RunPtr &run, const Entrant &entrant, Work work)
{
    const JobView &job = entrant.job;
    const auto begin = std::chrono::steady_clock::now();
    const std::string_view data = view_of(*entrant.input);
    const Stored stored = store(
        connection_, task_subject(painter_), data,
        headers_of(*run, work.generation, work.deadline, host_.painter_of(run->options)), stored_within);
    log_.write(Level::info, Layer::service, job.request_id, "handed to the broker",
               {{"job", job.id},
                {"sequence", stored.sequence},
                {"generation", work.generation},
                {"known", stored.duplicate},
                {"ms", std::round(milliseconds(std::chrono::steady_clock::now() - begin) * 10) / 10}});
    // For whoever cancels it while it waits; a worker that has it already knows it.
    for (int tries = 0; tries < 3; ++tries) {
        const auto entry = states_.get(run->key);
        if (!entry)
            return;
        work = read_work(entry->value);
        if (work.state != JobState::queued || work.sequence != 0)
            return;
        work.sequence = stored.sequence;
        if (states_.try_put(run->key, write(work), entry->revision))
            return;
    }
}

/// The queue takes it not: nothing of it stays.
void Front::withdraw(const JobView &job, const Problem &problem)
{
    board_->refuse(job.id, problem, now());
    const auto current = followed(job.key);
    if (!current)
        return;
    JobView ended = job;
    ended.state = JobState::cancelled;
    try {
        end_work(current->run, ended);
    } catch (const std::exception &error) {
        log_.write(Level::warning, Layer::service, job.request_id,
                   "a job that was refused may still be painted", {{"reason", error.what()}});
    }
    if (!board_->wanted(current->run))
        unfollow(job.key, current->run);
}

} // namespace anime::service::broker
