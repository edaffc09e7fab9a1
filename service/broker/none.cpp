// SPDX-License-Identifier: LGPL-2.1-or-later
// Built without libnats.
#include "service/broker/cluster.h"

#include <stdexcept>

namespace anime::service
{

std::unique_ptr<Cluster> make_cluster(const Options &options, Log &, Metrics &)
{
    if (options.broker.empty())
        return nullptr;
    throw std::runtime_error(
        "--broker needs libnats, which this build has not. Install libnats-dev and build "
        "again with -Dbroker=enabled.");
}

} // namespace anime::service
