// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/jobs/job.h"

#include <array>
#include <utility>

namespace anime::service
{

namespace
{

constexpr std::array<std::pair<JobState, const char *>, 5> state_names = {{
    {JobState::queued, "queued"},
    {JobState::running, "running"},
    {JobState::succeeded, "succeeded"},
    {JobState::failed, "failed"},
    {JobState::cancelled, "cancelled"},
}};

} // namespace

const char *name_of(JobState state)
{
    for (const auto &[known, name] : state_names)
        if (known == state)
            return name;
    return "failed";
}

std::optional<JobState> job_state_of(const std::string &name)
{
    for (const auto &[state, known] : state_names)
        if (name == known)
            return state;
    return std::nullopt;
}

} // namespace anime::service
