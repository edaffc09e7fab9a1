// SPDX-License-Identifier: LGPL-2.1-or-later
// The first half of a film's way: its pictures out of the film, painted and encoded, into the journal.
#pragma once

#include "pipelines/film/counts.h"
#include "pipelines/film/film.h"
#include "pipelines/film/journal.h"
#include "pipelines/film/picture.h"

namespace anime
{

/// All pictures behind those that the journal has. `counts` are of what was painted now.
RunResult paint_pictures(const Description &description, const FilmJob &job, const FilmLook &look,
                         const PicturePlan &plan, const SharedCounts &counts,
                         const std::shared_ptr<Journal> &journal);

} // namespace anime
