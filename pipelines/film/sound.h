// SPDX-License-Identifier: LGPL-2.1-or-later
// How a film's other streams get into the painted one: copied where the container takes them, sound that it
// doesn't take encoded anew, and what can't be kept named.
#pragma once

#include "pipelines/film/look.h"

#include <string>

namespace anime
{

enum class Way { copied, unmarked, encoded, left_out };

struct Route {
    Way way = Way::left_out;
    std::string pad;        ///< of the muxer: the name of its template, "audio_%u"
    std::string encoder;    ///< a part of a launch line that makes of decoded sound what the pad takes
    std::string said;       ///< what the user is to know of it; empty where nothing changes
    bool keep_tags = false; ///< subtitles keep <i>, <b>, <u>
};

/// For a stream beside the painted picture.
Route route_for(const FilmStream &stream, GstElement *muxer);

/// Is it a muxer of the MP4 family? Those say with an edit list where a track begins to be heard.
bool has_edit_lists(GstElement *muxer);

/// Links a parsebin's pad to the muxer's pad by that route, through a queue that holds so much of it. Where
/// it can't there is an error on the bus. Subtitles have a way of their own (subtitles.h).
void link_stream(GstBin *pipeline, GstPad *from, const Route &route, GstPad *to,
                 std::chrono::nanoseconds room);

} // namespace anime
