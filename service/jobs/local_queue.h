// SPDX-License-Identifier: LGPL-2.1-or-later
// The queue in this process: first come, first served.
#pragma once

#include "service/jobs/queue.h"

#include <ext/pb_ds/assoc_container.hpp>

#include <functional>

namespace anime::service
{

class LocalQueue final : public Queue
{
public:
    explicit LocalQueue(std::size_t capacity) : capacity_(capacity) {}

    std::optional<Problem> refusal(int retry_after) const override;
    bool immediate() const override { return true; }
    void put(const RunPtr &run, const Entrant &first) override;
    void join(const RunPtr &, const Entrant &) override {}
    void leave(const RunPtr &run, const JobView &job, bool last) override;
    RunPtr take() override;
    void clear() override;

    std::size_t size() const override { return runs_.size(); }
    std::size_t position(const Run &run) const override { return runs_.order_of_key(run.ticket) + 1; }
    std::uint64_t moves() const override { return moves_; }
    std::optional<std::chrono::steady_clock::time_point> oldest() const override;

private:
    /// Tells how many are before a ticket without counting them.
    using Runs = __gnu_pbds::tree<std::uint64_t, RunPtr, std::less<>, __gnu_pbds::rb_tree_tag,
                                  __gnu_pbds::tree_order_statistics_node_update>;

    const std::size_t capacity_;
    Runs runs_; // by ticket
    std::uint64_t tickets_ = 0;
    std::uint64_t moves_ = 0;
};

} // namespace anime::service
