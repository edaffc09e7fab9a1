// SPDX-License-Identifier: LGPL-2.1-or-later
// Scales raw video frames down with GStreamer's own converter; format and everything else stay.
#pragma once

#include "elements/common/gst_raii.h"
#include "elements/sizeguard/decoder.h"

#include <gst/video/video.h>

namespace anime
{

class RawScaler
{
public:
    /// `in` as the caps say; `out_caps` become those of the scaled frames.
    RawScaler(const GstVideoInfo &in, const GstCaps *in_caps, Size out);

    GstCaps *out_caps() const { return out_caps_.get(); }

    /// A scaled copy with the frame's times, flags and metas (regions of interest scaled too). Null: `frame`
    /// is smaller than its caps say, or there is no memory for the copy.
    BufferPtr scale(GstBuffer *frame) const;

private:
    void copy_metas(GstBuffer *from, GstBuffer *to) const;

    GstVideoInfo in_;
    GstVideoInfo out_;
    CapsPtr out_caps_;
    std::unique_ptr<GstVideoConverter, Release<gst_video_converter_free>> converter_;
};

} // namespace anime
