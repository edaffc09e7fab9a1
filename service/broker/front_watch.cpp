// SPDX-License-Identifier: LGPL-2.1-or-later
// What a front follows, and what becomes of it, as the broker's records tell.
#include "service/broker/front.h"

#include "service/broker/times.h"

#include <algorithm>

namespace anime::service::broker
{

namespace
{

/// Between looks at whether it is to stop, and at a broker that is gone.
constexpr std::chrono::milliseconds glance{200};
constexpr std::chrono::milliseconds look_for_broker{50};

} // namespace

void Front::watch()
{
    std::string said;
    while (!stop_) {
        try {
            if (!reachable()) {
                std::this_thread::sleep_for(look_for_broker);
                continue;
            }
            std::set<std::string> untouched; // what is followed and the broker does not tell of
            {
                const std::lock_guard guard(lock_);
                for (const auto &[key, followed] : followed_)
                    if (followed.generation > 0)
                        untouched.insert(key);
            }
            Watch watch(connection_, states_);
            bool resumed = false;
            while (!stop_) {
                if (const auto change = watch.next(glance)) {
                    const Work work = read_work(change->value);
                    if (!resumed && work.state != JobState::queued)
                        untouched.erase(change->key);
                    apply(change->key, work);
                }
                if (!resumed && watch.caught_up()) {
                    resumed = true;
                    resume(untouched);
                }
            }
        } catch (const std::exception &error) {
            if (said != error.what())
                log_.service(Level::warning, error.what());
            said = error.what();
            std::this_thread::sleep_for(look_for_broker);
        }
    }
}

/// The broker writes to its disk once a minute: what it was told just before its machine died it may have
/// forgotten. What waits is told to it again, and is known there by its id.
void Front::resume(const std::set<std::string> &untouched)
{
    for (const std::string &key : untouched)
        outbox_.post(key, [this, key] { restore(key); });
}

void Front::apply(const std::string &key, const Work &work)
{
    RunPtr run;
    {
        const std::lock_guard guard(lock_);
        const auto found = followed_.find(key);
        if (found == followed_.end() || found->second.generation == 0 || found->second.ending)
            return;
        Followed &followed = found->second;
        if (work.generation < followed.generation)
            return;
        run = followed.run;
        if (work.generation > followed.generation || work.state == JobState::succeeded) {
            followed.ending = true;
            outbox_.post(key, [this, key, ended = followed] { finish(key, ended); });
            return;
        }
    }
    if (work.state == JobState::running) {
        board_->started(run, work.started);
        board_->progress(run, work.stage, work.progress);
    } else if (work.state == JobState::failed) {
        fail(key, run, *work.problem);
    } else if (work.state == JobState::cancelled) {
        call_off(key, run);
    }
}

void Front::follow(const RunPtr &run, const std::string &job, std::uint64_t generation,
                   const std::shared_ptr<const Bytes> &input)
{
    const std::lock_guard guard(lock_);
    Followed &followed = followed_[run->key];
    if (followed.run != run)
        followed = Followed{run, nullptr, 0, {}, false, false};
    followed.generation = generation;
    if (input)
        followed.input = input;
    if (std::find(followed.jobs.begin(), followed.jobs.end(), job) == followed.jobs.end())
        followed.jobs.push_back(job);
}

void Front::unfollow(const std::string &key, const RunPtr &run)
{
    const std::lock_guard guard(lock_);
    const auto found = followed_.find(key);
    if (found != followed_.end() && found->second.run == run)
        followed_.erase(found);
}

std::optional<Front::Followed> Front::followed(const std::string &key) const
{
    const std::lock_guard guard(lock_);
    const auto found = followed_.find(key);
    return found == followed_.end() ? std::nullopt : std::optional(found->second);
}

void Front::fail(const std::string &key, const RunPtr &run, const Problem &problem)
{
    unfollow(key, run);
    if (board_->wanted(run))
        metrics_.rejected(problem.code);
    board_->fail(run, problem, now());
}

void Front::call_off(const std::string &key, const RunPtr &run)
{
    unfollow(key, run);
    board_->called_off(run, now());
}

} // namespace anime::service::broker
