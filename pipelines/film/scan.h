// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads a film once from end to end without decoding it. What comes when in it decides how it can be put
// together again: a muxer waits for the next packet of each track, and would wait for ever for one that has
// none left, while the picture holds up the demuxer.
#pragma once

#include "pipelines/film/look.h"
#include "pipelines/film/subtitles.h"

#include <map>
#include <set>

namespace anime
{

struct StreamScan {
    std::uint64_t packets = 0;
    std::chrono::nanoseconds longest_gap{0}; ///< from one packet to the next
};

struct FilmScan {
    std::map<std::string, StreamScan> streams; ///< by stream id
    std::vector<SubtitleTrack> subtitles;      ///< those that were asked for
    std::chrono::nanoseconds end{0};           ///< of the last packet of picture, sound and these subtitles
    TagListPtr tags;                           ///< of the film as a whole
};

/// Gives a film's tags to the muxer.
void keep_tags(const Pipeline &pipeline, const FilmScan &scan);

/// `subtitles`: ids of the tracks to keep. Takes as long as reading the file does. Throws PipelineError:
/// cancelled, film-stalled; where the file breaks off, what came before it counts.
FilmScan scan_film(const std::string &path, const std::set<std::string> &subtitles, const FilmLimits &limits);

} // namespace anime
