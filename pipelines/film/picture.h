// SPDX-License-Identifier: LGPL-2.1-or-later
// The way of a film's pictures from the file to the painter and on to the muxer, and the count of them.
#pragma once

#include "pipelines/film/look.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace anime
{

/// Written by the streaming threads. Times in ns of the film's own time.
struct FilmCounts {
    std::atomic<std::uint64_t> packets = 0;    ///< of the picture, from the file
    std::atomic<std::uint64_t> decoded = 0;    ///< frames that came of them
    std::atomic<std::uint64_t> damaged = 0;    ///< of these, those that the decoder calls corrupt
    std::atomic<std::uint64_t> painted = 0;    ///< encoded, on their way into the muxer
    std::atomic<std::int64_t> painted_to = 0;  ///< time of the last of these
    std::atomic<std::int64_t> read_to = 0;     ///< end of the last packet of any stream
    std::atomic<std::uint64_t> frame_time = 0; ///< from one frame to the next, ns
    std::atomic<std::uint64_t> resized = 0;    ///< changes of size in mid-stream
    std::atomic<std::uint64_t> odd = 0;        ///< is the first size odd?

    /// The sound tracks. One may end before the picture, and not every demuxer says so; the muxer would wait
    /// for its next packet, and the demuxer, held up by the picture, never get to the end.
    struct Other {
        GstPad *pad; ///< alive as long as the probes that know of it: both are the parsebin's
        std::uint64_t packets_left;
        bool ended = false;
    };
    std::mutex lock;
    std::vector<Other> others;
};

using SharedCounts = std::shared_ptr<FilmCounts>;

/// What is to be done to the pictures, by the look at the first one.
struct PicturePlan {
    GstVideoColorimetry colorimetry = {};         ///< repaired
    std::optional<GstVideoColorimetry> container; ///< what the container's header says
    bool hdr = false;
    bool alpha = false;
    float peak = 1000;   ///< HDR: cd/m²
    std::string written; ///< colorimetry of the painted film
};

PicturePlan plan_picture(const FilmLook &look);

/// Sets up everything behind "picture" in a pipeline that has not started: colours, steps before the painter,
/// shape, and the counting.
void prepare_picture(const Pipeline &pipeline, const PicturePlan &plan, const SharedCounts &counts);

/// Links the parsebin's pad of the picture to "picture".
void link_picture(GstElement *picture, GstPad *pad, const SharedCounts &counts);

/// Keeps `read_to` of another stream, and ends it behind its last packet.
void watch_stream(GstPad *pad, std::uint64_t packets, const SharedCounts &counts);

} // namespace anime
