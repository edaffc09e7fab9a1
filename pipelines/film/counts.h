// SPDX-License-Identifier: LGPL-2.1-or-later
// How many pictures of a film have come how far.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace anime
{

/// Written by the streaming threads. Times in ns of the film's running time. Of a film that is gone on with,
/// what is painted already doesn't count.
struct FilmCounts {
    std::atomic<std::uint64_t> arrived =
        0; ///< packets of the picture, of all kinds: as they come, it is no stall
    std::atomic<std::uint64_t> packets = 0;    ///< those that are to be shown
    std::atomic<std::uint64_t> decoded = 0;    ///< frames that came of them
    std::atomic<std::uint64_t> damaged = 0;    ///< of these, those that the decoder calls corrupt
    std::atomic<std::uint64_t> painted = 0;    ///< encoded
    std::atomic<std::uint64_t> begins = 0;     ///< of these, those at which a decoder may begin
    std::atomic<std::int64_t> painted_to = 0;  ///< time of the last of these
    std::atomic<std::uint64_t> frame_time = 0; ///< from one frame to the next, ns
    std::atomic<bool> resized = false;         ///< does the size change in mid-stream?
    std::atomic<bool> odd = false;             ///< is it one that the encoder can't have?
};

using SharedCounts = std::shared_ptr<FilmCounts>;

} // namespace anime
