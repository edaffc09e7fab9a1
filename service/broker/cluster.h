// SPDX-License-Identifier: LGPL-2.1-or-later
// A server's side of a broker, as the rest of the service sees it: what is behind it may not be built in.
#pragma once

#include "service/jobs/board.h"
#include "service/jobs/elsewhere.h"
#include "service/ops/log.h"
#include "service/ops/metrics.h"
#include "service/ops/options.h"

#include <functional>
#include <memory>
#include <string>

namespace anime::service
{

class Cluster : public Elsewhere
{
public:
    /// What this server brings along.
    struct Host {
        std::string painter;                                         ///< digest of all that paints here
        std::function<std::string(const PaintOptions &)> painter_of; ///< of what paints these
        std::function<PicturePtr(const std::string &key)> find;      ///< in its caches
        std::function<void(const std::string &key, const PicturePtr &)> keep; ///< the same
    };

    /// For the board, which has to outlive the threads: stop() comes before its end.
    virtual std::unique_ptr<Queue> make_queue() = 0;
    /// Connects, or goes on trying. Throws std::runtime_error for what another try can't mend.
    virtual void open() = 0;
    /// Serves `board` from here on.
    virtual void start(JobBoard &board, Host host) = 0;
    virtual void stop() = 0;
    /// Connected, and all that it needs at the broker is there.
    bool reachable() const override = 0;
    virtual std::size_t unsent() const = 0;
    virtual ClusterLoad load() const = 0;
};

/// Null without --broker. Throws std::runtime_error where it is not built in.
std::unique_ptr<Cluster> make_cluster(const Options &options, Log &log, Metrics &metrics);

} // namespace anime::service
