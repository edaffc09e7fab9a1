// SPDX-License-Identifier: LGPL-2.1-or-later
// The second half of a film's way: what was painted, out of the journal, and the film's sound and subtitles,
// out of the film, into the output.
#pragma once

#include "pipelines/film/journal.h"
#include "pipelines/film/look.h"
#include "pipelines/film/scan.h"

#include <set>

namespace anime
{

class Join
{
public:
    /// Decides what becomes of each stream. Throws PipelineError, as a Pipeline does.
    Join(const Description &description, const FilmLook &look);
    ~Join();
    Join(const Join &) = delete;
    Join &operator=(const Join &) = delete;

    /// Does the muxer take H.264, which with 4:2:0 has even sizes? If not, it takes VP9 or AV1.
    bool takes_h264() const;

    /// Ids of the tracks that scan_film() is to keep.
    std::set<std::string> subtitles() const;

    struct Films {
        std::string input;
        std::string output;
        /// Of a film that could not be painted to its end: nothing is taken that begins later than this.
        std::optional<std::chrono::nanoseconds> until;
    };
    /// Once. Takes the subtitles out of `scan`.
    RunResult run(const Films &films, FilmScan &scan, const std::shared_ptr<Journal> &journal,
                  const FilmLimits &limits);

    /// What is otherwise than in the film.
    const std::vector<RunFailure> &notes() const;

private:
    struct State;
    std::shared_ptr<State> state_; ///< callbacks of a pipeline that would not stop may outlive this
};

} // namespace anime
