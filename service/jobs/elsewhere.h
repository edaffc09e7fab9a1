// SPDX-License-Identifier: LGPL-2.1-or-later
// What other servers know, where several share a broker. The thread that serves HTTP asks, so nothing waits:
// whoever asks is woken once the answer is there.
#pragma once

#include "service/jobs/job.h"
#include "service/waker.h"

#include <atomic>
#include <memory>
#include <string>

namespace anime::service
{

class Elsewhere
{
public:
    virtual ~Elsewhere() = default;

    struct Answer {
        std::atomic<bool> done{false}; ///< what follows is set before it
        bool unreachable = false;      ///< nobody can tell now
        PicturePtr picture;            ///< of fetch(); null if nobody has it
    };
    using AnswerPtr = std::shared_ptr<const Answer>;

    /// Can it be asked now?
    virtual bool reachable() const = 0;
    /// A job that another server made is on the board afterwards, if there is one; one that is there already
    /// is as every other server has it.
    virtual AnswerPtr look_up(const std::string &job, const std::shared_ptr<Waker> &waker) = 0;
    /// The picture of a cache key.
    virtual AnswerPtr fetch(const std::string &key, const std::shared_ptr<Waker> &waker) = 0;
};

} // namespace anime::service
