// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/engine/workers.h"

#include <nlohmann/json.hpp>

#include <exception>

namespace anime::service
{

namespace
{

using Clock = std::chrono::steady_clock;

std::chrono::system_clock::time_point wall()
{
    return std::chrono::system_clock::now();
}

/// A picture from the disk, with what this task took to get it.
PicturePtr fetched(const Picture &known, const Task &task, Clock::time_point begin)
{
    auto picture = std::make_shared<Picture>(known);
    const auto now = Clock::now();
    Timings &timings = picture->info.timings;
    timings = {};
    timings.receive = task.receive_ms;
    timings.queue = milliseconds(begin - task.queued);
    timings.encode = milliseconds(now - begin); // as everything that is in no other stage
    timings.total = timings.receive + milliseconds(now - task.queued);
    return picture;
}

} // namespace

Workers::Workers(const Shared &shared) : shared_(shared)
{
    for (std::int64_t i = 0; i < shared.options.limits.workers; ++i)
        threads_.emplace_back([this] { work(); });
}

Workers::~Workers()
{
    for (std::thread &thread : threads_)
        thread.join();
}

void Workers::work()
{
    while (const RunPtr run = shared_.board.take()) {
        try {
            paint(run);
        } catch (const std::exception &) {
            const auto [problem, reason] = unforeseen_failure();
            fail(run, problem, reason);
        }
    }
}

void Workers::fail(const RunPtr &run, const Problem &problem, const std::string &reason)
{
    shared_.board.fail(run, problem, wall());
    shared_.metrics.rejected(problem.code);
    shared_.log.failure(run->request_id, problem, "service", {{"reason", reason}});
}

void Workers::paint(const RunPtr &run)
{
    const auto begin = Clock::now();
    if (shared_.disk_cache)
        if (const PicturePtr known = shared_.disk_cache->find(run->key)) {
            shared_.log.write(Level::info, Layer::inference, run->request_id, "no need to paint",
                              {{"cache", "disk"}});
            shared_.metrics.cache("disk");
            shared_.memory_cache.put(run->key, known, Clock::now());
            shared_.board.finish(run, fetched(*known, *run, begin), wall(), true);
            return;
        }
    shared_.metrics.cache("miss");
    const Engine::Outcome outcome = shared_.engine.run(*run, [&](const std::string &stage, double fraction) {
        shared_.board.progress(run, stage, fraction);
    });
    if (outcome.problem) {
        shared_.metrics.rejected(outcome.problem->code);
        shared_.board.fail(run, *outcome.problem, wall());
        return;
    }
    shared_.metrics.painted(outcome.picture->info.timings);
    shared_.memory_cache.put(run->key, outcome.picture, Clock::now());
    if (shared_.disk_cache)
        if (const std::string reason = shared_.disk_cache->put(run->key, *outcome.picture); !reason.empty())
            shared_.log.write(Level::warning, Layer::service, run->request_id,
                              "a picture could not be written to the cache folder", {{"reason", reason}});
    shared_.board.finish(run, outcome.picture, wall());
}

} // namespace anime::service
