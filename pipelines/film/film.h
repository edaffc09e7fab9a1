// SPDX-License-Identifier: LGPL-2.1-or-later
// Paints a film: its pictures by a description, everything else of it copied beside them (docs/films.md).
#pragma once

#include "pipelines/film/look.h"

#include <cstdint>
#include <filesystem>
#include <functional>

namespace anime
{

struct FilmProgress {
    std::uint64_t frames = 0;        ///< painted now
    std::uint64_t frames_before = 0; ///< painted by the run that is gone on with
    std::optional<double> part;      ///< of its duration, 0 to 1, where that is known
    double part_before = 0;
};

struct FilmJob {
    std::string input;
    std::string output;            ///< written at the end; the caller gives it its name when it is complete
    std::filesystem::path journal; ///< where the painted pictures are kept until then
    bool resume = false;           ///< goes on with what the journal has, and keeps it if the run fails
    std::string style;             ///< empty: the description's
    std::optional<double> strength;
    FilmLimits limits;
    std::function<void(const FilmProgress &)> on_progress = {};
};

struct FilmResult {
    std::optional<RunFailure> failure;
    bool playable = false;    ///< with a failure: what was painted until then is a whole file all the same
    bool kept = false;        ///< with a failure: --resume goes on from what was painted
    std::uint64_t frames = 0; ///< of the film
    std::uint64_t frames_before = 0; ///< of these, those that the run that is gone on with had painted
    std::vector<RunFailure> notes;   ///< what is otherwise than in the original; a code and a sentence each
};

/// Does the description name what the runner of films needs: streams, picture, decoder, frames, coded and
/// mux?
bool is_film(const Description &description);

/// Throws PipelineError for what is known before the first frame; see look_at_film() too.
FilmResult paint_film(const Description &description, const FilmJob &job);

} // namespace anime
