// SPDX-License-Identifier: LGPL-2.1-or-later
// Decides when which rows of which stage run and where their values lie. Stages that need no complete input
// run strip by strip behind each other, so that what passes between them stays in the cache and only a window
// of it needs memory; a stage that needs all of a value (its normalisation, its mean) begins a new segment.
#pragma once

#include "models/executors/onednn/stage.h"

#include <memory>
#include <vector>

namespace anime::onednn
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

struct Schedule {
    std::vector<Step> steps;
    std::size_t arena_bytes = 0;
    std::vector<std::pair<Tensor *, std::size_t>> offsets; ///< of each tensor in the arena
};

/// `strip_bytes`: about how much the strips of all stages of a segment may occupy together.
Schedule make_schedule(const std::vector<std::unique_ptr<Stage>> &stages, std::size_t strip_bytes);

} // namespace anime::onednn
