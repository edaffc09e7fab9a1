// SPDX-License-Identifier: LGPL-2.1-or-later
// What a film holds, before it is painted: its streams, and its first picture as decoded. Costs one frame.
#pragma once

#include "elements/common/gst_raii.h"
#include "pipelines/runner.h"

#include <gst/video/video.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace anime
{

enum class StreamKind { video, audio, text, other };

struct FilmStream {
    std::string id; ///< GStreamer's stream id; the same each time that the file is opened
    StreamKind kind = StreamKind::other;
    std::string caps; ///< "audio/mpeg, mpegversion=(int)4, …"
    /// How much of its beginning lies before the film's: what an encoder of sound needs to get going.
    std::chrono::nanoseconds priming{0};
    GstClockTime starts_at = 0; ///< of its segment, which the priming lies before

    std::string media_type() const { return caps.substr(0, caps.find(',')); }
};

struct FilmLook {
    std::vector<FilmStream> streams;       ///< in the file's order
    std::size_t picture = 0;               ///< the stream that is painted
    CapsPtr decoded;                       ///< of its first picture
    std::chrono::nanoseconds duration{-1}; ///< negative: the file doesn't say
    bool seeks_exactly = false;            ///< a picture has the same time behind a seek as on the way there
};

struct FilmLimits {
    /// Without a frame for so long, a film is given up.
    std::chrono::milliseconds stall{120'000};
    const std::atomic<bool> *cancel = nullptr;
};

/// `names`: the elements input and streams of a film's description, which are also what paints it later.
/// Throws PipelineError: film-unreadable, film-no-picture, film-decoder-missing, film-stalled, cancelled.
FilmLook look_at_film(const std::string &path, const FilmLimits &limits);

/// Has the parsebin hand out subtitles as they are, not as the parsers would remake them.
void keep_subtitles_as_they_are(GstElement *parsebin);

StreamKind kind_of(const std::string &media_type);

/// Caps of a new parsebin pad: negotiated, or what its stream says, or what it could be.
CapsPtr caps_of(GstPad *pad);

std::string id_of(GstPad *pad);

} // namespace anime
