// SPDX-License-Identifier: LGPL-2.1-or-later
// What a front does at the broker for jobs that it has handed over, or that others have: cancel, tell again,
// fetch, look up. Each is a letter of the outbox.
#include "service/broker/front.h"

#include "service/broker/times.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace anime::service::broker
{

namespace
{

Problem result_gone()
{
    return make_problem("result-expired", "The picture was not kept this long.", "Upload the photo again.");
}

} // namespace

void Front::leave(const RunPtr &run, const JobView &job, bool last)
{
    const auto begin = std::chrono::steady_clock::now();
    for (;;) {
        try {
            end_work(run, job);
            break;
        } catch (const std::exception &error) {
            if (fault_of(error) == Fault::gone && std::chrono::steady_clock::now() - begin < try_for &&
                !outbox_.stopping()) {
                std::this_thread::sleep_for(pause);
                continue;
            }
            log_.write(Level::warning, Layer::service, job.request_id,
                       "a job that nobody wants may still be painted",
                       {{"job", job.id}, {"reason", error.what()}});
            break;
        }
    }
    if (last)
        call_off(run->key, run);
}

/// The job is none of its work's any more, and the last one ends it.
void Front::end_work(const RunPtr &run, const JobView &job)
{
    const auto current = followed(run->key);
    const std::uint64_t generation = current && current->run == run ? current->generation : 0;
    bool ended = false;
    std::uint64_t waits_at = 0;
    for (bool written = false; !written;) {
        const auto entry = states_.get(run->key);
        if (!entry)
            break;
        Work work = read_work(entry->value);
        if (work.generation != generation || is_final(work.state))
            break;
        std::erase(work.jobs, job.id);
        ended = work.jobs.empty() && !work.more;
        waits_at = work.state == JobState::queued ? work.sequence : 0;
        if (ended)
            end(work, job.state, job.problem);
        written = states_.try_put(run->key, write(work), entry->revision).has_value();
    }
    if (ended) {
        connection_.publish(cancel_prefix + run->key, std::to_string(generation));
        if (waits_at > 0)
            try {
                remove_task(connection_, waits_at, run->key, generation);
            } catch (const BrokerError &) {
                // A worker has it by now, and sees in the record that nobody wants it.
            }
    }
    if (const auto entry = jobs_.get(job.id)) {
        JobRecord record = read_job(entry->value);
        record.cancelled = job.state == JobState::cancelled;
        record.problem = job.problem;
        jobs_.put(job.id, write(record), entry->revision);
    }
}

void Front::restore(const std::string &key)
{
    const auto current = followed(key);
    if (!current || !current->input)
        return;
    const RunPtr run = current->run;
    try {
        const auto entry = states_.get(key);
        Work work;
        if (entry) {
            work = read_work(entry->value);
        } else {
            work.generation = current->generation;
            work.queued = now();
            work.request_id = run->request_id;
            work.deadline = wall(run->deadline);
            for (const std::string &id : current->jobs)
                add_job(work, id);
            states_.put(key, write(work), 0);
        }
        for (const std::string &id : current->jobs)
            if (const auto view = board_->find(id); view && !jobs_.get(id))
                jobs_.put(id, write(JobRecord{*view, work.generation, false, {}}), 0);
        if (work.generation == current->generation && work.state == JobState::queued)
            store(connection_, task_subject(painter_), view_of(*current->input),
                  headers_of(*run, work.generation, work.deadline, host_.painter_of(run->options)),
                  stored_within);
        else
            apply(key, work);
    } catch (const std::exception &error) {
        // Gone again: the next watch finds it as it is. Full: it has everything else.
        log_.write(Level::warning, Layer::service, run->request_id, "could not be told to the broker again",
                   {{"reason", error.what()}});
    }
}

/// Its generation has ended: with a picture, or before another one.
void Front::finish(const std::string &key, const Followed &ended)
{
    try {
        const auto entry = states_.get(key);
        const Work work = entry ? read_work(entry->value) : Work{};
        const bool older = entry && work.generation > ended.generation;
        if (older && !(work.before && work.before->generation == ended.generation &&
                       work.before->state == JobState::succeeded)) {
            if (work.before && work.before->generation == ended.generation && work.before->problem)
                fail(key, ended.run, *work.before->problem);
            else
                call_off(key, ended.run);
            return;
        }
        if (const PicturePtr picture = find_result(connection_, key)) {
            deliver(ended.run, picture, false);
            return;
        }
        fail(key, ended.run, result_gone());
    } catch (const std::exception &error) {
        if (!ended.told)
            log_.write(Level::warning, Layer::service, ended.run->request_id,
                       "the picture could not be fetched yet", {{"reason", error.what()}});
        // A broker may have lost the leader of the pictures alone, so that the watch goes on. The end of the
        // run's time ends this too.
        std::this_thread::sleep_for(pause);
        const auto current = followed(key);
        if (current && current->run == ended.run)
            outbox_.post(key, [this, key, again = ended]() mutable {
                again.told = true;
                finish(key, again);
            });
    }
}

void Front::deliver(const RunPtr &run, const PicturePtr &picture, bool found)
{
    unfollow(run->key, run);
    host_.keep(run->key, picture);
    if (!found) {
        board_->finish(run, picture, now(), false);
        return;
    }
    auto fetched = std::make_shared<Picture>(*picture);
    Timings &timings = fetched->info.timings;
    timings = {};
    timings.receive = run->receive_ms;
    timings.total = timings.receive + milliseconds(std::chrono::steady_clock::now() - run->queued);
    timings.encode = timings.total - timings.receive; // as everything that is in no other stage
    board_->finish(run, fetched, now(), true);
}

/// The job of another server; false if there is none. Throws.
bool Front::adopt(const std::string &id)
{
    if (const auto known = board_->find(id)) {
        // Another front may have told the client of its end already.
        const auto current = is_final(known->state) ? std::nullopt : followed(known->key);
        const auto entry = current ? states_.get(known->key) : std::nullopt;
        const Work work = entry ? read_work(entry->value) : Work{};
        if (entry && work.generation == current->generation && work.state == JobState::succeeded)
            finish(known->key, *current);
        else if (entry)
            apply(known->key, work);
        return true;
    }
    const auto entry = jobs_.get(id);
    if (!entry)
        return false;
    const JobRecord record = read_job(entry->value);
    JobView view = record.view;
    const auto state = states_.get(view.key);
    const Work work = state ? read_work(state->value) : Work{};
    const bool current = state && work.generation == record.generation;
    const bool before = state && work.before && work.before->generation == record.generation;
    if (record.cancelled || record.problem) {
        view.state = record.cancelled ? JobState::cancelled : JobState::failed;
        view.problem = record.problem;
        view.finished = current ? work.finished : view.created;
    } else if (current) {
        view.state = work.state;
        view.stage = work.stage;
        view.progress = work.progress;
        view.started = work.started;
        view.finished = work.finished;
        view.problem = work.problem;
        view.picture = work.picture;
    } else if (before) {
        view.state = work.before->state;
        view.finished = work.before->finished;
        view.problem = work.before->problem;
        view.picture = work.before->picture;
    } else {
        return false;
    }
    if (!is_final(view.state) && work.deadline + grace() < now()) {
        view.state = JobState::failed;
        view.problem = make_problem("deadline", "No worker has told of the photo in time.",
                                    "Try again when the service is less busy.");
        view.finished = work.deadline;
    }
    const auto ttl = settings_.streams.job_ttl;
    if (is_final(view.state)) {
        view.stage = "done";
        view.progress = view.state == JobState::succeeded ? 1 : view.progress;
        view.expires = view.finished + ttl;
        if (view.expires <= now())
            return false;
        board_->adopt(view, nullptr, {});
        return true;
    }
    auto run = std::make_shared<Run>();
    run->key = view.key;
    run->request_id = work.request_id;
    run->options = view.options;
    run->queued = std::chrono::steady_clock::now();
    run->deadline = steady(work.deadline);
    if (const RunPtr shared = board_->adopt(view, run, run->deadline)) {
        follow(shared, id, record.generation, nullptr);
        // It may have ended before it was followed.
        if (const auto newest = states_.get(view.key))
            apply(view.key, read_work(newest->value));
    }
    return true;
}

Elsewhere::AnswerPtr Front::look_up(const std::string &job, const std::shared_ptr<Waker> &waker)
{
    auto answer = std::make_shared<Answer>();
    outbox_.post("job " + job, [this, job, waker, answer] {
        try {
            adopt(job);
        } catch (const std::exception &error) {
            log_.service(Level::warning, std::string("a job could not be looked for: ") + error.what());
            answer->unreachable = true;
        }
        answer->done = true;
        waker->wake();
    });
    return answer;
}

Elsewhere::AnswerPtr Front::fetch(const std::string &key, const std::shared_ptr<Waker> &waker)
{
    auto answer = std::make_shared<Answer>();
    outbox_.post("picture " + key, [this, key, waker, answer] {
        try {
            answer->picture = find_result(connection_, key);
            if (answer->picture)
                host_.keep(key, answer->picture);
        } catch (const std::exception &error) {
            log_.service(Level::warning, std::string("a picture could not be fetched: ") + error.what());
            answer->unreachable = true;
        }
        answer->done = true;
        waker->wake();
    });
    return answer;
}

} // namespace anime::service::broker
