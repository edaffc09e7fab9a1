// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether the job board's lock is held as shortly with many jobs as with few: microseconds of each operation
// with 6,000 jobs and with as many as --max-jobs allows, and their ratio.
#include "service/jobs/board.h"
#include "service/ops/options.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace
{

using namespace anime::service;
using Clock = std::chrono::steady_clock;

NewJob job(std::size_t number)
{
    NewJob job;
    job.request_id = job.key = std::to_string(number);
    job.input = std::make_shared<const Bytes>(1);
    return job;
}

/// Median of many runs, in microseconds.
double median(const std::function<void()> &operation)
{
    std::vector<double> times;
    for (int i = 0; i < 501; ++i) {
        const auto begin = Clock::now();
        operation();
        times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
    }
    std::nth_element(times.begin(), times.begin() + 250, times.end());
    return times[250];
}

struct Costs {
    double tick, find, submit, cancel, take_and_finish;
};

/// Half of the jobs wait, half are finished.
Costs measure(std::size_t jobs)
{
    JobBoard board({jobs, jobs, std::chrono::hours(1), std::chrono::hours(1), 32 << 20});
    const auto now = Clock::now();
    const auto wall = std::chrono::system_clock::now();
    const auto picture = std::make_shared<Picture>();
    picture->data = std::make_shared<const Bytes>(1);
    for (std::size_t i = 0; i < jobs / 2; ++i) {
        board.submit(job(i), now, wall);
        board.finish(board.take(), picture, wall);
    }
    std::size_t next = jobs / 2;
    std::vector<std::string> waiting;
    for (; next < jobs - 2000; ++next)
        waiting.push_back(board.submit(job(next), now, wall).job->id);
    Costs costs{};
    costs.tick = median([&] { board.tick(now, wall); });
    costs.find = median([&] { board.find(waiting[waiting.size() * 3 / 4]); });
    costs.submit = median([&] { waiting.push_back(board.submit(job(next++), now, wall).job->id); });
    costs.cancel = median([&] {
        board.cancel(waiting.back(), wall);
        waiting.pop_back();
    });
    costs.take_and_finish = median([&] { board.finish(board.take(), picture, wall); });
    return costs;
}

} // namespace

int main()
{
    const auto spec = std::find_if(limit_specs().begin(), limit_specs().end(),
                                   [](const LimitSpec &s) { return std::string(s.name) == "max-jobs"; });
    const auto most = static_cast<std::size_t>(spec->most);
    const std::size_t few = 6000;
    const Costs small = measure(few);
    const Costs large = measure(most);
    const std::pair<const char *, double Costs::*> rows[] = {{"tick", &Costs::tick},
                                                             {"find", &Costs::find},
                                                             {"submit", &Costs::submit},
                                                             {"cancel", &Costs::cancel},
                                                             {"take and finish", &Costs::take_and_finish}};
    std::printf("%-16s %12zu jobs %12zu jobs    ratio\n", "us, median", few, most);
    for (const auto &[name, cost] : rows)
        std::printf("%-16s %17.2f %17.2f %8.1f\n", name, small.*cost, large.*cost, large.*cost / small.*cost);
}
