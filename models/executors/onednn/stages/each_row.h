// SPDX-License-Identifier: LGPL-2.1-or-later
// How the loops over rows divide their work among threads.
#pragma once

#include "models/compiler/stage.h"
#include "models/executors/onednn/compiler_names.h"

#include <omp.h>

namespace anime::onednn
{

/// Calls work(y) for each of the rows, by all threads; alone where each thread already has a band of its own,
/// because a team within a team allocates.
template <typename Work>
void each_row(Rows rows, Work work)
{
    if (omp_in_parallel()) {
        for (int y = rows.begin; y < rows.end; ++y)
            work(y);
        return;
    }
#pragma omp parallel for schedule(static)
    for (int y = rows.begin; y < rows.end; ++y)
        work(y);
}

} // namespace anime::onednn
