// SPDX-License-Identifier: LGPL-2.1-or-later
// The tiles of rows of an output, in groups that a kernel multiplies at once, divided among threads.
#pragma once

#include "models/compiler/conv_spec.h"
#include "models/executors/onednn/compiler_names.h"

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

/// How many tiles make a group at most, and how many a kernel does at once.
struct GroupSize {
    int most = 1;
    int at_once = 1;
};

/// Calls work(group, thread) for all groups of tiles, by `threads` threads, each of which has as many tiles
/// as the others, as far as they are whole numbers of what a kernel does at once: whole groups would leave
/// one thread with five where another has six.
template <typename Work>
void each_tile_group(Rows rows, int width, int tile, GroupSize size, int threads, Work work)
{
    const int across = (width + tile - 1) / tile;
    const int tiles = across * ((rows.count() + tile - 1) / tile);
    const auto share = [&](int thread) {
        const int blocks = (tiles + size.at_once - 1) / size.at_once;
        const auto end = [&](int n) { return std::min(tiles, blocks * n / threads * size.at_once); };
        for (int first = end(thread); first < end(thread + 1); first += size.most)
            work(TileGroup{rows, tile, first, std::min(size.most, end(thread + 1) - first), across}, thread);
    };
    if (threads == 1) { // a team within a team allocates
        share(0);
        return;
    }
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int thread = 0; thread < threads; ++thread)
        share(thread);
}

} // namespace anime::onednn
