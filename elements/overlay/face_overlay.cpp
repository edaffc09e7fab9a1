// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/overlay/face_overlay.h"

#include "elements/common/gst_raii.h"

#include <gst/video/video.h>

#include <mutex>
#include <new>
#include <utility>

namespace anime
{

namespace
{

using CompositionPtr =
    std::unique_ptr<GstVideoOverlayComposition, Release<gst_video_overlay_composition_unref>>;
using RectanglePtr = std::unique_ptr<GstVideoOverlayRectangle, Release<gst_video_overlay_rectangle_unref>>;

constexpr auto straight_alpha = GST_VIDEO_OVERLAY_FORMAT_FLAG_NONE;

/// Where R, G, B and alpha lie in a pixel of GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB.
#if G_BYTE_ORDER == G_LITTLE_ENDIAN
constexpr std::size_t place[4] = {2, 1, 0, 3};
#else
constexpr std::size_t place[4] = {1, 2, 3, 0};
#endif

/// On the pixels of an overlay: it is a painted face.
const char *face_mark()
{
    static constexpr const char *name = "AnimePaintedFaceMeta";
    static std::once_flag once;
    std::call_once(once, [] {
        static const gchar *tags[] = {nullptr};
        gst_meta_register_custom(name, tags, nullptr, nullptr, nullptr);
    });
    return name;
}

bool is_painted_face(GstVideoOverlayRectangle *rectangle)
{
    GstBuffer *pixels = gst_video_overlay_rectangle_get_pixels_unscaled_raw(
        rectangle, gst_video_overlay_rectangle_get_flags(rectangle));
    return gst_buffer_get_custom_meta(pixels, face_mark()) != nullptr;
}

RectanglePtr make_rectangle(const Patch &patch)
{
    const auto width = static_cast<guint>(patch.width);
    const auto height = static_cast<guint>(patch.height);
    const BufferPtr pixels(gst_buffer_new_allocate(nullptr, patch.rgba.size(), nullptr));
    if (!pixels)
        throw std::bad_alloc();
    {
        const MappedBuffer mapped(pixels.get(), GST_MAP_WRITE);
        if (!mapped)
            throw std::bad_alloc();
        for (std::size_t i = 0; i < patch.rgba.size(); i += 4)
            for (std::size_t c = 0; c < 4; ++c)
                mapped.data()[i + place[c]] = patch.rgba[i + c];
    }
    gst_buffer_add_video_meta(pixels.get(), GST_VIDEO_FRAME_FLAG_NONE,
                              GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, width, height);
    gst_buffer_add_custom_meta(pixels.get(), face_mark());
    return RectanglePtr(
        gst_video_overlay_rectangle_new_raw(pixels.get(), patch.x, patch.y, width, height, straight_alpha));
}

Patch read_rectangle(GstVideoOverlayRectangle *rectangle)
{
    Patch patch;
    guint width = 0;
    guint height = 0;
    gst_video_overlay_rectangle_get_render_rectangle(rectangle, &patch.x, &patch.y, &width, &height);
    GstBuffer *pixels = gst_video_overlay_rectangle_get_pixels_argb(rectangle, straight_alpha);
    const GstVideoMeta *meta = gst_buffer_get_video_meta(pixels);
    GstVideoInfo info;
    gst_video_info_set_format(&info, GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, meta->width, meta->height);
    MappedFrame frame(info, pixels, GST_MAP_READ);
    if (!frame)
        return {}; // gst_video_frame_map() has logged why
    patch.width = static_cast<int>(meta->width);
    patch.height = static_cast<int>(meta->height);
    patch.rgba.resize(std::size_t{meta->width} * meta->height * 4);
    auto to = patch.rgba.begin();
    for (int y = 0; y < patch.height; ++y) {
        const guint8 *from = frame.data() + static_cast<std::ptrdiff_t>(y) * frame.stride();
        for (int x = 0; x < patch.width; ++x, from += 4)
            for (const std::size_t byte : place)
                *to++ = from[byte];
    }
    return patch;
}

/// The overlays of `buffer` that are not painted faces; null if there are none.
CompositionPtr other_overlays(GstVideoOverlayComposition *composition)
{
    CompositionPtr others;
    const guint count = gst_video_overlay_composition_n_rectangles(composition);
    for (guint i = 0; i < count; ++i) {
        GstVideoOverlayRectangle *rectangle = gst_video_overlay_composition_get_rectangle(composition, i);
        if (is_painted_face(rectangle))
            continue;
        if (others)
            gst_video_overlay_composition_add_rectangle(others.get(), rectangle);
        else
            others.reset(gst_video_overlay_composition_new(rectangle));
    }
    return others;
}

} // namespace

void attach_face_patches(GstBuffer *buffer, std::span<const Patch> patches)
{
    if (patches.empty())
        return;
    CompositionPtr composition;
    GstVideoOverlayCompositionMeta *present = gst_buffer_get_video_overlay_composition_meta(buffer);
    if (present)
        composition.reset(gst_video_overlay_composition_copy(present->overlay));
    for (const Patch &patch : patches) {
        const RectanglePtr rectangle = make_rectangle(patch);
        if (composition)
            gst_video_overlay_composition_add_rectangle(composition.get(), rectangle.get());
        else
            composition.reset(gst_video_overlay_composition_new(rectangle.get()));
    }
    if (present)
        gst_buffer_remove_video_overlay_composition_meta(buffer, present);
    gst_buffer_add_video_overlay_composition_meta(buffer, composition.get());
}

std::vector<Patch> read_face_patches(GstBuffer *buffer)
{
    std::vector<Patch> patches;
    const GstVideoOverlayCompositionMeta *meta = gst_buffer_get_video_overlay_composition_meta(buffer);
    const guint count = meta ? gst_video_overlay_composition_n_rectangles(meta->overlay) : 0;
    for (guint i = 0; i < count; ++i) {
        GstVideoOverlayRectangle *rectangle = gst_video_overlay_composition_get_rectangle(meta->overlay, i);
        if (!is_painted_face(rectangle))
            continue;
        if (Patch patch = read_rectangle(rectangle); !patch.rgba.empty())
            patches.push_back(std::move(patch));
    }
    return patches;
}

void remove_face_patches(GstBuffer *buffer)
{
    GstVideoOverlayCompositionMeta *meta = gst_buffer_get_video_overlay_composition_meta(buffer);
    if (!meta)
        return;
    const CompositionPtr others = other_overlays(meta->overlay);
    gst_buffer_remove_video_overlay_composition_meta(buffer, meta);
    if (others)
        gst_buffer_add_video_overlay_composition_meta(buffer, others.get());
}

} // namespace anime
