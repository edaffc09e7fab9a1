// SPDX-License-Identifier: LGPL-2.1-or-later
// Owners for what GStreamer and GLib hand out, so that every way out of a function releases it.
#pragma once

#include <gst/gst.h>
#include <gst/video/video.h>

#include <memory>

namespace anime
{

/// Turns a release function into a deleter for std::unique_ptr.
template <auto Function>
struct Release {
    template <typename T>
    void operator()(T *pointer) const
    {
        Function(pointer);
    }
};

/// For what derives from GstMiniObject. gst_caps_unref() and its like are static inline functions: a type
/// with one of them as its template argument can't be a member of a class in a header.
struct MiniObjectUnref {
    template <typename T>
    void operator()(T *object) const
    {
        gst_mini_object_unref(GST_MINI_OBJECT_CAST(object));
    }
};

using BufferPtr = std::unique_ptr<GstBuffer, MiniObjectUnref>;
using CapsPtr = std::unique_ptr<GstCaps, MiniObjectUnref>;
using ElementPtr = std::unique_ptr<GstElement, Release<gst_object_unref>>;
using ErrorPtr = std::unique_ptr<GError, Release<g_error_free>>;
using EventPtr = std::unique_ptr<GstEvent, MiniObjectUnref>;
using MessagePtr = std::unique_ptr<GstMessage, MiniObjectUnref>;
using PadPtr = std::unique_ptr<GstPad, Release<gst_object_unref>>;
using QueryPtr = std::unique_ptr<GstQuery, MiniObjectUnref>;
using SamplePtr = std::unique_ptr<GstSample, MiniObjectUnref>;
using StringPtr = std::unique_ptr<gchar, Release<g_free>>;
using TagListPtr = std::unique_ptr<GstTagList, MiniObjectUnref>;
using StructurePtr = std::unique_ptr<GstStructure, Release<gst_structure_free>>;

/// A buffer's bytes, mapped for the guard's life. False where mapping failed.
class MappedBuffer
{
public:
    MappedBuffer(GstBuffer *buffer, GstMapFlags flags)
        : buffer_(buffer), mapped_(gst_buffer_map(buffer, &info_, flags))
    {
    }
    ~MappedBuffer()
    {
        if (mapped_)
            gst_buffer_unmap(buffer_, &info_);
    }
    MappedBuffer(const MappedBuffer &) = delete;
    MappedBuffer &operator=(const MappedBuffer &) = delete;

    explicit operator bool() const { return mapped_; }
    guint8 *data() const { return info_.data; }
    gsize size() const { return info_.size; }

private:
    GstBuffer *buffer_;
    GstMapInfo info_ = {};
    bool mapped_;
};

/// A video buffer, mapped for the guard's life with the strides of its GstVideoMeta where it has one. False
/// where mapping failed, and where the buffer is smaller than `info` (the caps) says: a frame that is larger
/// is fine, its width and height are those of the caps.
class MappedFrame
{
public:
    MappedFrame(const GstVideoInfo &info, GstBuffer *buffer, GstMapFlags flags)
        : width_(GST_VIDEO_INFO_WIDTH(&info)), height_(GST_VIDEO_INFO_HEIGHT(&info)),
          // The frame takes no reference of its own: whether metas of the buffer may be changed while it is
          // mapped depends on its reference count.
          mapped_(is_large_enough(buffer) &&
                  gst_video_frame_map(&frame_, &info, buffer,
                                      static_cast<GstMapFlags>(flags | int{GST_VIDEO_FRAME_MAP_FLAG_NO_REF})))
    {
    }
    ~MappedFrame()
    {
        if (mapped_)
            gst_video_frame_unmap(&frame_);
    }
    MappedFrame(const MappedFrame &) = delete;
    MappedFrame &operator=(const MappedFrame &) = delete;

    explicit operator bool() const { return mapped_; }
    GstVideoFrame *get() { return &frame_; }
    int width() const { return width_; }
    int height() const { return height_; }
    guint8 *data() const { return static_cast<guint8 *>(GST_VIDEO_FRAME_PLANE_DATA(&frame_, 0)); }
    int stride() const { return GST_VIDEO_FRAME_PLANE_STRIDE(&frame_, 0); }
    int pixel_stride() const { return GST_VIDEO_FRAME_COMP_PSTRIDE(&frame_, 0); }

private:
    /// Mapping checks this with an assertion, but what upstream made is not this program's error.
    bool is_large_enough(GstBuffer *buffer) const
    {
        const GstVideoMeta *meta = gst_buffer_get_video_meta(buffer);
        return !meta ||
               (static_cast<int>(meta->width) >= width_ && static_cast<int>(meta->height) >= height_);
    }

    GstVideoFrame frame_ = {};
    int width_;
    int height_;
    bool mapped_;
};

} // namespace anime
