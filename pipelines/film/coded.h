// SPDX-License-Identifier: LGPL-2.1-or-later
// The way of a film's painted pictures from the encoder into the journal.
#pragma once

#include "pipelines/film/counts.h"
#include "pipelines/film/journal.h"

namespace anime
{

/// Writes and counts all that passes this pad. What can't be written is an error of the pad's element.
void record_coded(GstPad *coded, const SharedCounts &counts, const std::shared_ptr<Journal> &journal);

} // namespace anime
