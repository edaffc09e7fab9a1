// SPDX-License-Identifier: LGPL-2.1-or-later
// Which of the alternatives that a description names works on this machine.
#pragma once

#include "pipelines/runner.h"

namespace anime
{

/// The description with each "{name}" in its text replaced by the first of its alternatives ("# {name}:
/// x264enc …" in its header) that encodes a few test frames here: a graphics card's encoder may be installed
/// and have no card. Throws PipelineError: film-encoder-missing.
Description with_working_encoders(const Description &description);

} // namespace anime
