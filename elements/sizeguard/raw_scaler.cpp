// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/sizeguard/raw_scaler.h"

namespace anime
{

RawScaler::RawScaler(const GstVideoInfo &in, const GstCaps *in_caps, Size out)
    : in_(in), out_caps_(gst_caps_copy(in_caps))
{
    gst_caps_set_simple(out_caps_.get(), "width", G_TYPE_INT, static_cast<int>(out.width), "height",
                        G_TYPE_INT, static_cast<int>(out.height), nullptr);
    gst_video_info_from_caps(&out_, out_caps_.get());
    converter_.reset(gst_video_converter_new(&in_, &out_, nullptr));
}

BufferPtr RawScaler::scale(GstBuffer *frame) const
{
    BufferPtr scaled(gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&out_), nullptr));
    if (!scaled || !converter_)
        return nullptr;
    {
        MappedFrame source(in_, frame, GST_MAP_READ);
        MappedFrame target(out_, scaled.get(), GST_MAP_WRITE);
        if (!source || !target)
            return nullptr;
        gst_video_converter_frame(converter_.get(), source.get(), target.get());
    }
    gst_buffer_copy_into(
        scaled.get(), frame,
        static_cast<GstBufferCopyFlags>(GST_BUFFER_COPY_FLAGS | int{GST_BUFFER_COPY_TIMESTAMPS}), 0, -1);
    copy_metas(frame, scaled.get());
    return scaled;
}

void RawScaler::copy_metas(GstBuffer *from, GstBuffer *to) const
{
    GstVideoMetaTransform transform{const_cast<GstVideoInfo *>(&in_), const_cast<GstVideoInfo *>(&out_)};
    gpointer state = nullptr;
    while (GstMeta *meta = gst_buffer_iterate_meta(from, &state)) {
        const bool of_memory = gst_meta_api_type_has_tag(meta->info->api, _gst_meta_tag_memory);
        if (!of_memory && meta->info->api != GST_VIDEO_META_API_TYPE && meta->info->transform_func)
            meta->info->transform_func(to, meta, from, gst_video_meta_transform_scale_get_quark(),
                                       &transform);
    }
}

} // namespace anime
