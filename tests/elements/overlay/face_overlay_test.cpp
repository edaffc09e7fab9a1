// SPDX-License-Identifier: LGPL-2.1-or-later
// How painted faces travel on a buffer beside other overlays.
#include "elements/common/gst_raii.h"
#include "elements/overlay/face_overlay.h"
#include "tests/elements/broken_allocator.h"

#include <gst/video/video.h>
#include <gtest/gtest.h>

#include <new>

namespace anime
{
namespace
{

using CompositionPtr =
    std::unique_ptr<GstVideoOverlayComposition, Release<gst_video_overlay_composition_unref>>;
using RectanglePtr = std::unique_ptr<GstVideoOverlayRectangle, Release<gst_video_overlay_rectangle_unref>>;

class FaceOverlay : public ::testing::Test
{
protected:
    static void SetUpTestSuite() { gst_init(nullptr, nullptr); }

    static Patch patch_at(int x, int y)
    {
        return {.x = x, .y = y, .width = 2, .height = 1, .rgba = {1, 2, 3, 4, 250, 251, 252, 253}};
    }
    /// What a subtitle renderer attaches.
    static void attach_subtitle(GstBuffer *buffer)
    {
        const BufferPtr pixels(gst_buffer_new_allocate(nullptr, 4 * 4 * 4, nullptr));
        gst_buffer_memset(pixels.get(), 0, 255, 4 * 4 * 4);
        gst_buffer_add_video_meta(pixels.get(), GST_VIDEO_FRAME_FLAG_NONE,
                                  GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, 4, 4);
        const RectanglePtr rectangle(gst_video_overlay_rectangle_new_raw(
            pixels.get(), 7, 8, 4, 4, GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA));
        const CompositionPtr composition(gst_video_overlay_composition_new(rectangle.get()));
        gst_buffer_add_video_overlay_composition_meta(buffer, composition.get());
    }
    guint overlays() const
    {
        const GstVideoOverlayCompositionMeta *meta =
            gst_buffer_get_video_overlay_composition_meta(buffer_.get());
        return meta ? gst_video_overlay_composition_n_rectangles(meta->overlay) : 0;
    }

    BufferPtr buffer_{gst_buffer_new()};
};

// What is attached is read back: place, size, colours, alpha, order.
TEST_F(FaceOverlay, RoundTrip)
{
    const Patch patches[] = {patch_at(3, 4), patch_at(-1, 0)};
    attach_face_patches(buffer_.get(), patches);
    EXPECT_EQ(overlays(), 2u);

    const std::vector<Patch> read = read_face_patches(buffer_.get());
    ASSERT_EQ(read.size(), 2u);
    for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_EQ(read[i].x, patches[i].x);
        EXPECT_EQ(read[i].y, patches[i].y);
        EXPECT_EQ(read[i].width, 2);
        EXPECT_EQ(read[i].height, 1);
        EXPECT_EQ(read[i].rgba, patches[i].rgba);
    }
}

// To everybody else they are ordinary overlays in the standard format, with straight alpha.
TEST_F(FaceOverlay, IsAnOrdinaryOverlay)
{
    const Patch patch = patch_at(3, 4);
    attach_face_patches(buffer_.get(), {&patch, 1});
    const GstVideoOverlayCompositionMeta *meta = gst_buffer_get_video_overlay_composition_meta(buffer_.get());
    ASSERT_NE(meta, nullptr);
    GstVideoOverlayRectangle *rectangle = gst_video_overlay_composition_get_rectangle(meta->overlay, 0);
    EXPECT_EQ(gst_video_overlay_rectangle_get_flags(rectangle), GST_VIDEO_OVERLAY_FORMAT_FLAG_NONE);
    gint x = 0;
    gint y = 0;
    guint width = 0;
    guint height = 0;
    EXPECT_TRUE(gst_video_overlay_rectangle_get_render_rectangle(rectangle, &x, &y, &width, &height));
    EXPECT_EQ(x, 3);
    EXPECT_EQ(y, 4);
    EXPECT_EQ(width, 2u);
    EXPECT_EQ(height, 1u);
    const GstVideoMeta *pixels = gst_buffer_get_video_meta(
        gst_video_overlay_rectangle_get_pixels_unscaled_argb(rectangle, GST_VIDEO_OVERLAY_FORMAT_FLAG_NONE));
    ASSERT_NE(pixels, nullptr);
    EXPECT_EQ(pixels->format, GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB);
}

// Subtitles are no painted faces: they are not read, and they stay when the faces go.
TEST_F(FaceOverlay, LeavesOtherOverlaysAlone)
{
    attach_subtitle(buffer_.get());
    EXPECT_TRUE(read_face_patches(buffer_.get()).empty());

    const Patch patch = patch_at(0, 0);
    attach_face_patches(buffer_.get(), {&patch, 1});
    EXPECT_EQ(overlays(), 2u);
    EXPECT_EQ(read_face_patches(buffer_.get()).size(), 1u);

    remove_face_patches(buffer_.get());
    EXPECT_EQ(overlays(), 1u);
    EXPECT_TRUE(read_face_patches(buffer_.get()).empty());
}

// The mark survives a copy of the buffer, as every tee and every converter makes one.
TEST_F(FaceOverlay, SurvivesACopyOfTheBuffer)
{
    const Patch patch = patch_at(5, 6);
    attach_face_patches(buffer_.get(), {&patch, 1});
    buffer_.reset(gst_buffer_copy(buffer_.get()));
    ASSERT_EQ(read_face_patches(buffer_.get()).size(), 1u);
    remove_face_patches(buffer_.get());
    EXPECT_EQ(overlays(), 0u);
}

// Without memory for its pixels a face can't be attached, and what was there stays.
TEST_F(FaceOverlay, WithoutMemoryNothingIsAttached)
{
    attach_subtitle(buffer_.get());
    const Patch patches[] = {patch_at(5, 6), patch_at(7, 8)};
    for (const bool has_memory : {false, true}) {
        SCOPED_TRACE(has_memory ? "it can't be mapped" : "there is none");
        gst_allocator_set_default(make_broken_allocator(has_memory));
        EXPECT_THROW(attach_face_patches(buffer_.get(), patches), std::bad_alloc);
        gst_allocator_set_default(gst_allocator_find(GST_ALLOCATOR_SYSMEM));
        EXPECT_EQ(overlays(), 1u);
    }
}

// No face, no meta.
TEST_F(FaceOverlay, NothingToAttach)
{
    attach_face_patches(buffer_.get(), {});
    EXPECT_EQ(gst_buffer_get_video_overlay_composition_meta(buffer_.get()), nullptr);
    remove_face_patches(buffer_.get());
    EXPECT_TRUE(read_face_patches(buffer_.get()).empty());
}

} // namespace
} // namespace anime
