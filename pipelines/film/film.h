// SPDX-License-Identifier: LGPL-2.1-or-later
// Paints a film: its pictures by a description, everything else of it copied beside them (docs/films.md).
#pragma once

#include "pipelines/film/look.h"

#include <cstdint>
#include <functional>

namespace anime
{

struct FilmProgress {
    std::uint64_t frames = 0;
    std::optional<double> part; ///< of its duration, 0 to 1, where that is known
};

struct FilmJob {
    std::string input;
    std::string output; ///< written as it goes; the caller gives it its name when it is complete
    std::string style;  ///< empty: the description's
    std::optional<double> strength;
    FilmLimits limits;
    std::function<void(const FilmProgress &)> on_progress = {};
};

struct FilmResult {
    std::optional<RunFailure> failure;
    bool playable = false; ///< with a failure: what was painted until then is a whole file all the same
    std::uint64_t frames = 0;
    std::vector<RunFailure> notes; ///< what is otherwise than in the original; a code and a sentence each
};

/// Does the description name what the runner of films needs: streams, picture, decoder, frames, coded and
/// mux?
bool is_film(const Description &description);

/// Throws PipelineError for what is known before the first frame; see look_at_film() too.
FilmResult paint_film(const Description &description, const FilmJob &job);

} // namespace anime
