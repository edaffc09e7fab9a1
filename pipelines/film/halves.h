// SPDX-License-Identifier: LGPL-2.1-or-later
// A film's description is one line, and is run in two halves: one paints, the other joins what was painted
// with the rest of the film.
#pragma once

#include "pipelines/runner.h"

namespace anime
{

/// What goes from "streams" to "coded". The muxer's place is taken by a sink; "coded" gives what the muxer
/// takes.
std::unique_ptr<Pipeline> painting_half(const Description &description);

/// "streams" and "mux" with what is linked to them.
std::unique_ptr<Pipeline> joining_half(const Description &description);

} // namespace anime
