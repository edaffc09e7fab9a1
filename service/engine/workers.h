// SPDX-License-Identifier: LGPL-2.1-or-later
// Threads that take jobs off the board and paint them, one pipeline each.
#pragma once

#include "service/shared.h"

#include <thread>
#include <vector>

namespace anime::service
{

class Workers
{
public:
    explicit Workers(const Shared &shared);
    /// Waits for the pictures in hand: JobBoard::drain() or abandon() first.
    ~Workers();
    Workers(const Workers &) = delete;
    Workers &operator=(const Workers &) = delete;

private:
    void work();
    void paint(const RunPtr &run);
    void fail(const RunPtr &run, const Problem &problem, const std::string &reason);

    const Shared shared_;
    std::vector<std::thread> threads_;
};

} // namespace anime::service
