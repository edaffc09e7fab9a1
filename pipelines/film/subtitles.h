// SPDX-License-Identifier: LGPL-2.1-or-later
// Subtitles: read before the film, freed of the markup that GStreamer's demuxers give them, and put into the
// muxer.
#pragma once

#include "elements/common/gst_raii.h"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace anime
{

/// SubRip's text: the characters themselves, with the tags <i>, <b> and <u> kept if `keep_tags`, all others
/// gone.
std::string subtitle_text(std::string_view markup, bool keep_tags);

/// One track of subtitles, all of it: they are sparse, and a muxer that waited for the next one would stop
/// the film, so they are read before it (scan.h) and lie ready.
struct SubtitleTrack {
    std::string id; ///< of the stream in the file
    CapsPtr caps;
    std::string tags;               ///< language and title, as taginject takes them
    std::vector<BufferPtr> buffers; ///< with the film's running time
};

/// Takes Pango's markup off a track's texts.
void unmark(SubtitleTrack &track, bool keep_tags);

/// Links a track to the muxer's pad of this template, `later` than its times.
void add_subtitles(GstBin *pipeline, const SubtitleTrack &track, GstElement *muxer, const std::string &pad,
                   std::chrono::nanoseconds later);

} // namespace anime
