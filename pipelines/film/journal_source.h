// SPDX-License-Identifier: LGPL-2.1-or-later
// The painted pictures out of the journal, for a muxer.
#pragma once

#include "pipelines/film/journal.h"

#include <functional>
#include <memory>

namespace anime
{

/// A floating element with a pad "src". `on_picture` is called for each picture, in its thread.
GstElement *journal_source(const std::shared_ptr<Journal> &journal, std::function<void()> on_picture);

} // namespace anime
