// SPDX-License-Identifier: LGPL-2.1-or-later
// Which job an Idempotency-Key of a client stands for.
#pragma once

#include "service/jobs/job.h"

#include <string>
#include <unordered_map>

namespace anime::service
{

class Idempotency
{
public:
    /// What a job is known by; empty for one without a key. Two clients may well choose the same one.
    static std::string name_of(const NewJob &job);

    /// The id of the job that has the name; empty if none has.
    std::string find(const std::string &name) const;
    void remember(const std::string &name, const std::string &id);
    /// From here on the name is free; it is emptied.
    void release(std::string &name);

private:
    std::unordered_map<std::string, std::string> ids_; // by name
};

} // namespace anime::service
