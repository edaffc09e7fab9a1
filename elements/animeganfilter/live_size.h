// SPDX-License-Identifier: LGPL-2.1-or-later
// What a live stream's frames will measure, where that is known before there are any.
#pragma once

#include <gst/gst.h>

#include <optional>

namespace anime
{

struct FrameSize {
    int width;
    int height;
};

/// The one size that whatever feeds `sink` can send, as behind a capsfilter; none if it may have several, or
/// if no source of the pipeline is live.
std::optional<FrameSize> live_size(GstPad *sink);

} // namespace anime
