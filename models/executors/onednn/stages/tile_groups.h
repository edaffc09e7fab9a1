// SPDX-License-Identifier: LGPL-2.1-or-later
// The tiles of rows of an output, in groups that a kernel multiplies at once, divided among threads.
#pragma once

#include "models/compiler/conv_spec.h"
#include "models/executors/onednn/compiler_names.h"

#include <omp.h>

#include <algorithm>

namespace anime::onednn
{

/// Tiles [first, first + count) of a run.
struct TileGroup {
    Rows rows;
    int tile = 0; ///< its side
    int first = 0;
    int count = 0;
    int across = 0; ///< tiles side by side

    /// The first output of tile `t` of the group.
    int y(int t) const { return rows.begin + (first + t) / across * tile; }
    int x(int t) const { return (first + t) % across * tile; }
};

/// True where the transformed kernels of a phase are zero at `position`: the point 0 sees the first tap
/// alone, which a kernel lacks that skips a row or a column.
inline bool lacks_position(const ConvSpec &spec, int position, int side)
{
    return (spec.skip > 0 && position / side == 0) || (spec.skip_columns > 0 && position % side == 0);
}

/// Calls work(group, thread) for all groups of at most `most` tiles, by `threads` threads.
template <typename Work>
void each_tile_group(Rows rows, int width, int tile, int most, int threads, Work work)
{
    const int across = (width + tile - 1) / tile;
    const int tiles = across * ((rows.count() + tile - 1) / tile);
    const int groups = (tiles + most - 1) / most;
    const auto group = [&](int i) {
        return TileGroup{rows, tile, i * most, std::min(most, tiles - i * most), across};
    };
    if (threads == 1) { // a team within a team allocates
        for (int i = 0; i < groups; ++i)
            work(group(i), 0);
        return;
    }
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int i = 0; i < groups; ++i)
        work(group(i), omp_get_thread_num());
}

} // namespace anime::onednn
