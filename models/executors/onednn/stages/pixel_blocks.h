// SPDX-License-Identifier: LGPL-2.1-or-later
// The pixels of rows of an output, in blocks that a kernel does at once, divided among threads.
#pragma once

#include "models/compiler/stage.h"
#include "models/executors/onednn/compiler_names.h"

#include <omp.h>

#include <algorithm>

namespace anime::onednn
{

/// Calls work(y, x, pixels, thread) for all blocks of at most `block` pixels of a row, by `threads` threads.
template <typename Work>
void each_pixel_block(Rows rows, int width, int block, int threads, Work work)
{
    const int across = (width + block - 1) / block;
    const auto nth = [&](int i, int thread) {
        const int x = i % across * block;
        work(rows.begin + i / across, x, std::min(block, width - x), thread);
    };
    if (threads == 1) { // a team within a team allocates
        for (int i = 0; i < rows.count() * across; ++i)
            nth(i, 0);
        return;
    }
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int i = 0; i < rows.count() * across; ++i)
        nth(i, omp_get_thread_num());
}

} // namespace anime::onednn
