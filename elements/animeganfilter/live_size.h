// SPDX-License-Identifier: LGPL-2.1-or-later
// What a live stream's frames will measure, where that is known before there are any.
#pragma once

#include <gst/gst.h>

#include <optional>

namespace anime
{

/// Whether a source in the pipeline of `sink` is live. A LATENCY query would tell it of the right one, but
/// sources answer none before they have started.
bool is_live(GstPad *sink);

/// Whether what feeds `sink` is live, by a LATENCY query; false before there is an answer.
bool comes_live(GstPad *sink);

struct FrameSize {
    int width;
    int height;
};

/// The one size that whatever feeds `sink` can send, as behind a capsfilter; none if it may have several, or
/// if no source of the pipeline is live.
std::optional<FrameSize> live_size(GstPad *sink);

} // namespace anime
