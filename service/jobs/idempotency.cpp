// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/jobs/idempotency.h"

namespace anime::service
{

std::string Idempotency::name_of(const NewJob &job)
{
    // Neither part has a space in it.
    return job.idempotency_key.empty() ? std::string() : job.client + " " + job.idempotency_key;
}

std::string Idempotency::find(const std::string &name) const
{
    const auto found = ids_.find(name);
    return found == ids_.end() ? std::string() : found->second;
}

void Idempotency::remember(const std::string &name, const std::string &id)
{
    if (!name.empty())
        ids_[name] = id;
}

void Idempotency::release(std::string &name)
{
    ids_.erase(name);
    name.clear();
}

} // namespace anime::service
