// SPDX-License-Identifier: LGPL-2.1-or-later
// Decides when which rows of which stage run and where their values lie. Stages that need no complete input
// run strip by strip behind each other, so that what passes between them stays in the cache and only a window
// of it needs memory; a stage that needs all of a value (its normalisation, its mean) begins a new segment.
// Where the last segment reads nothing that an earlier one wrote, it can be cut into bands of the picture,
// one a thread: each has stages and memory of its own and computes the few rows that it shares with the next
// one again, so that the threads meet once a frame and not after every strip.
#pragma once

#include "models/compiler/checkpoint.h"
#include "models/compiler/stage.h"

#include <memory>
#include <vector>

namespace anime::compiler
{

struct Step {
    enum class Kind { begin, run, slide };

    Kind kind = Kind::run;
    Stage *stage = nullptr;
    Rows rows; ///< run: of the stage's output

    Tensor *tensor = nullptr; ///< slide: forgets the rows before `keep`; `kept` rows stay
    int keep = 0;
    int kept = 0;
};

/// Part `index` of `count` of the picture, from the top.
struct Band {
    int index = 0;
    int count = 1;
};

struct Schedule {
    std::vector<Step> steps;
    std::size_t streamed = 0; ///< the steps from here on are the last segment's
    std::size_t arena_bytes = 0;
    std::size_t scratch_offset = 0;                        ///< in the arena
    std::vector<std::pair<Tensor *, std::size_t>> offsets; ///< of each tensor in the arena
};

/// `strip_bytes`: about how much the strips of all stages of a segment may occupy together. Only the first
/// band has the steps of the segments before the last.
Schedule make_schedule(const std::vector<std::unique_ptr<Stage>> &stages, std::size_t strip_bytes,
                       Band band = {}, const Checkpoint &checkpoint = {});

/// At most `wanted`; fewer where the bands would be so low that what they compute twice costs more than is
/// won, and 1 where the last segment can't be cut.
int usable_bands(const std::vector<std::unique_ptr<Stage>> &stages, int wanted);

} // namespace anime::compiler
