// SPDX-License-Identifier: LGPL-2.1-or-later
// What the HTTP side and the workers have in common.
#pragma once

#include "service/engine/engine.h"
#include "service/jobs/board.h"
#include "service/jobs/elsewhere.h"
#include "service/ops/log.h"
#include "service/ops/metrics.h"
#include "service/ops/options.h"
#include "service/results/byte_budget.h"
#include "service/results/disk_cache.h"
#include "service/results/memory_cache.h"

namespace anime::service
{

/// What the parts of the service share; Service makes it, and it outlives them all.
struct Shared {
    const Options &options;
    Log &log;
    Metrics &metrics;
    Engine &engine;
    JobBoard &board;
    ByteBudget &budget;  ///< of uploads
    ByteBudget &sending; ///< of pictures that are being sent
    MemoryCache &memory_cache;
    DiskCache *disk_cache;          ///< null without --cache-dir
    Elsewhere *elsewhere = nullptr; ///< null without --broker
};

} // namespace anime::service
