// SPDX-License-Identifier: LGPL-2.1-or-later
// The way of a film's pictures from the file to the painter and on to the journal, and the count of them.
#pragma once

#include "pipelines/film/counts.h"
#include "pipelines/film/journal.h"
#include "pipelines/film/look.h"
#include "pipelines/film/skip.h"

#include <memory>

namespace anime
{

/// What is to be done to the pictures, by the look at the first one.
struct PicturePlan {
    GstVideoColorimetry colorimetry = {};         ///< repaired
    std::optional<GstVideoColorimetry> container; ///< what the container's header says
    bool hdr = false;
    bool alpha = false;
    bool even = true;    ///< the coded film can't have an odd size
    float peak = 1000;   ///< HDR: cd/m²
    std::string written; ///< colorimetry of the painted film
};

PicturePlan plan_picture(const FilmLook &look);

/// What the probes of a film's pictures share.
struct PictureJob {
    PicturePlan plan;
    SharedCounts counts;
    SharedSkip skip;
    std::shared_ptr<Journal> journal;
};

/// Sets up everything behind "picture" in a pipeline that has not started: colours, steps before the painter,
/// shape, the counting, and the way into the journal.
void prepare_picture(const Pipeline &pipeline, const PictureJob &job);

/// Links the parsebin's pad of the picture to "picture".
void link_picture(GstElement *picture, GstPad *pad, const PictureJob &job);

} // namespace anime
