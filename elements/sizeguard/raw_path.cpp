// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/sizeguard/raw_path.h"

namespace anime
{

namespace
{

Size size_of(const GstVideoInfo &info)
{
    return {static_cast<unsigned>(GST_VIDEO_INFO_WIDTH(&info)),
            static_cast<unsigned>(GST_VIDEO_INFO_HEIGHT(&info))};
}

} // namespace

std::optional<Failure> RawPath::configure(GstCaps *caps, const Limits &limits)
{
    const CapsPtr kept(gst_caps_ref(caps)); // may be in_caps_
    reset();
    in_caps_.reset(gst_caps_ref(caps));
    limits_ = limits;
    if (!gst_video_info_from_caps(&info_, caps)) {
        gst_video_info_init(&info_);
        return Failure{.code = "format-unsupported",
                       .message = "This raw video format is not known.",
                       .remedy = "Put videoconvert before sizeguard.",
                       .debug = StringPtr(gst_caps_to_string(caps)).get()};
    }
    const Size size = size_of(info_);
    if (auto failure = check_picture_size(size, limits))
        return failure;
    const Size bounded = bounded_size(size, limits.max_dimension);
    if (bounded != size)
        scaler_ = std::make_unique<RawScaler>(info_, caps, bounded);
    return {};
}

void RawPath::reset()
{
    scaler_.reset();
    in_caps_.reset();
    gst_video_info_init(&info_);
}

bool RawPath::depends_on(const Limits &limits) const
{
    return limits.max_dimension != limits_.max_dimension ||
           limits.reject_oversize != limits_.reject_oversize ||
           limits.max_source_pixels != limits_.max_source_pixels;
}

std::optional<Failure> RawPath::bound(BufferPtr &frame) const
{
    if (!scaler_)
        return {};
    BufferPtr scaled = scaler_->scale(frame.get());
    if (!scaled)
        return Failure{.code = "frame-invalid",
                       .message =
                           "A frame is smaller than its format says, or there is no memory to scale it.",
                       .remedy = "Look for the fault in the element before sizeguard.",
                       .debug = "mapping or allocation failed",
                       .limit = GST_VIDEO_INFO_SIZE(&info_),
                       .actual = gst_buffer_get_size(frame.get())};
    frame = std::move(scaled);
    return {};
}

bool RawPath::answer_allocation(GstPad *src, GstQuery *query) const
{
    if (!scaler_)
        return gst_pad_peer_query(src, query);
    gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
    return true;
}

ImageInfo RawPath::info() const
{
    ImageInfo info;
    if (GST_VIDEO_INFO_FORMAT(&info_) == GST_VIDEO_FORMAT_UNKNOWN)
        return info;
    const Size size = size_of(info_);
    const Size out = bounded_size(size, limits_.max_dimension);
    info.format = GST_VIDEO_INFO_NAME(&info_);
    info.source_width = size.width;
    info.source_height = size.height;
    info.channels = GST_VIDEO_INFO_N_COMPONENTS(&info_);
    info.width = out.width;
    info.height = out.height;
    return info;
}

} // namespace anime
