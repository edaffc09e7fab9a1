// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/film/yuv_filter.h"

#include "pipelines/film/yuv_rows.h"

#include <gst/video/gstvideofilter.h>

#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <vector>

namespace anime
{

namespace
{

/// A row of each channel with one value before and one behind.
class Rows
{
public:
    explicit Rows(int width) : step_(static_cast<std::size_t>(width) + 2), values_(3 * step_) {}
    std::int16_t *operator[](std::size_t i) { return values_.data() + i * step_ + 1; }

private:
    std::size_t step_;
    std::vector<std::int16_t> values_;
};

struct Plane {
    Plane(GstVideoFrame &frame, guint plane)
        : data_(static_cast<std::uint8_t *>(GST_VIDEO_FRAME_PLANE_DATA(&frame, plane))),
          stride_(GST_VIDEO_FRAME_PLANE_STRIDE(&frame, plane)),
          last_(GST_VIDEO_FRAME_COMP_HEIGHT(&frame, plane) - 1)
    {
    }
    std::uint8_t *operator[](int y) const { return data_ + stride_ * std::clamp(y, 0, last_); }

private:
    std::uint8_t *data_;
    std::ptrdiff_t stride_;
    int last_;
};

// --- to RGB ---

void i420_to_rgb(GstVideoFrame &in, GstVideoFrame &out)
{
    const YuvLoops &loops = yuv_loops().front();
    const GstVideoInfo &info = in.info;
    const YuvMatrix matrix(info.colorimetry.matrix, info.colorimetry.range);
    const bool above = (info.chroma_site & GST_VIDEO_CHROMA_SITE_V_COSITED) != 0;
    const bool cosited = (info.chroma_site & GST_VIDEO_CHROMA_SITE_H_COSITED) != 0;
    const int width = GST_VIDEO_FRAME_WIDTH(&out);
    const int chroma_width = (width + 1) / 2;
    const Plane planes[3] = {{in, 0}, {in, 1}, {in, 2}};
    const auto rgb = static_cast<std::uint8_t *>(GST_VIDEO_FRAME_PLANE_DATA(&out, 0));
    Rows chroma(chroma_width);
    for (int y = 0; y < GST_VIDEO_FRAME_HEIGHT(&out); ++y) {
        const int here = y / 2;
        const bool odd = y & 1;
        const int there = odd ? here + 1 : here - 1;
        const int share = above ? (odd ? 2 : 0) : 1; // of the other row
        for (std::size_t c = 1; c < 3; ++c)
            mix_chroma(planes[c][here], planes[c][there], 4 - share, share, chroma_width, chroma[c]);
        loops.to_rgb({planes[0][y], chroma[1], chroma[2], cosited}, matrix,
                     rgb + std::ptrdiff_t{y} * GST_VIDEO_FRAME_PLANE_STRIDE(&out, 0), width);
    }
}

void argb64_to_rgb(GstVideoFrame &in, GstVideoFrame &out)
{
    for (int y = 0; y < GST_VIDEO_FRAME_HEIGHT(&out); ++y) {
        const auto *from = reinterpret_cast<const std::uint16_t *>(
            static_cast<std::uint8_t *>(GST_VIDEO_FRAME_PLANE_DATA(&in, 0)) +
            std::ptrdiff_t{y} * GST_VIDEO_FRAME_PLANE_STRIDE(&in, 0));
        auto *to = static_cast<std::uint8_t *>(GST_VIDEO_FRAME_PLANE_DATA(&out, 0)) +
                   std::ptrdiff_t{y} * GST_VIDEO_FRAME_PLANE_STRIDE(&out, 0);
        for (int x = 0; x < GST_VIDEO_FRAME_WIDTH(&out); ++x, from += 4, to += 3)
            for (int c = 0; c < 3; ++c) // 65535 is 255, so 257 a level
                to[c] = static_cast<std::uint8_t>((from[c + 1] * 255u + 32768) >> 16);
    }
}

GstFlowReturn to_rgb(GstVideoFilter *, GstVideoFrame *in, GstVideoFrame *out)
{
    if (GST_VIDEO_FRAME_FORMAT(in) == GST_VIDEO_FORMAT_I420)
        i420_to_rgb(*in, *out);
    else if (GST_VIDEO_FRAME_FORMAT(in) == GST_VIDEO_FORMAT_ARGB64)
        argb64_to_rgb(*in, *out);
    else
        gst_video_frame_copy(out, in);
    return GST_FLOW_OK;
}

// --- from RGB ---

GstFlowReturn from_rgb(GstVideoFilter *, GstVideoFrame *in, GstVideoFrame *out)
{
    const YuvLoops &loops = yuv_loops().front();
    const GstVideoInfo &info = out->info;
    const YuvMatrix matrix(info.colorimetry.matrix, info.colorimetry.range);
    const bool cosited = (info.chroma_site & GST_VIDEO_CHROMA_SITE_H_COSITED) != 0;
    const int width = GST_VIDEO_FRAME_WIDTH(out);
    const int height = GST_VIDEO_FRAME_HEIGHT(out);
    const Plane rgb(*in, 0);
    const Plane planes[3] = {{*out, 0}, {*out, 1}, {*out, 2}};
    Rows rows(width);
    const RgbSums sums = {{rows[0], rows[1], rows[2]}};
    for (int y = 0; y < height; y += 2) {
        loops.write_luma(rgb[y], matrix, planes[0][y], sums, true, width);
        // Under the last row of an odd number it counts once more.
        loops.write_luma(rgb[y + 1], matrix, planes[0][y + 1], sums, false, width);
        loops.write_chroma(sums, cosited, matrix, planes[1][y / 2], planes[2][y / 2], width);
    }
    return GST_FLOW_OK;
}

// --- the elements ---

using Formats = std::initializer_list<const char *>;

constexpr Formats painted = {"RGB"};
constexpr Formats decoded = {"I420", "ARGB64", "RGB"};
constexpr Formats coded = {"I420"};

/// The same with other formats. Where chroma lies is for the writer to say: where H.264 and VP9 have it by
/// default.
GstCaps *with_formats(const GstCaps *caps, const Formats &formats, bool written)
{
    GstCaps *all = gst_caps_new_empty();
    for (const char *format : formats) {
        for (guint i = 0; i < gst_caps_get_size(caps); ++i) {
            GstStructure *structure = gst_structure_copy(gst_caps_get_structure(caps, i));
            gst_structure_remove_fields(structure, "colorimetry", "chroma-site", nullptr);
            gst_structure_set(structure, "format", G_TYPE_STRING, format, nullptr);
            if (written)
                gst_structure_set(structure, "chroma-site", G_TYPE_STRING, "mpeg2", nullptr);
            gst_caps_append_structure_full(all, structure,
                                           gst_caps_features_copy(gst_caps_get_features(caps, i)));
        }
    }
    return all;
}

GstCaps *filtered(GstCaps *caps, GstCaps *filter)
{
    if (!filter)
        return caps;
    GstCaps *wanted = gst_caps_intersect_full(filter, caps, GST_CAPS_INTERSECT_FIRST);
    gst_caps_unref(caps);
    return wanted;
}

void add_template(GstElementClass *klass, GstPadDirection direction, const Formats &formats)
{
    GstCaps *any = gst_caps_from_string(GST_VIDEO_CAPS_MAKE("RGB"));
    GstCaps *caps = with_formats(any, formats, false);
    gst_caps_unref(any);
    gst_element_class_add_pad_template(klass, gst_pad_template_new(direction == GST_PAD_SINK ? "sink" : "src",
                                                                   direction, GST_PAD_ALWAYS, caps));
    gst_caps_unref(caps);
}

struct FilmToRgb {
    GstVideoFilter parent;
};

struct FilmToRgbClass {
    GstVideoFilterClass parent;
};

G_DEFINE_TYPE(FilmToRgb, film_to_rgb, GST_TYPE_VIDEO_FILTER)

void film_to_rgb_class_init(FilmToRgbClass *klass)
{
    auto *element_class = GST_ELEMENT_CLASS(klass);
    add_template(element_class, GST_PAD_SINK, decoded);
    add_template(element_class, GST_PAD_SRC, painted);
    gst_element_class_set_static_metadata(element_class, "Film to RGB", "Filter/Converter/Video",
                                          "4:2:0 to RGB, rounded", "gst-anime");
    GST_BASE_TRANSFORM_CLASS(klass)->transform_caps = [](GstBaseTransform *, GstPadDirection from,
                                                         GstCaps *caps, GstCaps *filter) {
        return filtered(with_formats(caps, from == GST_PAD_SINK ? painted : decoded, false), filter);
    };
    GST_VIDEO_FILTER_CLASS(klass)->transform_frame = to_rgb;
}

void film_to_rgb_init(FilmToRgb *) {}

struct FilmFromRgb {
    GstVideoFilter parent;
};

struct FilmFromRgbClass {
    GstVideoFilterClass parent;
};

G_DEFINE_TYPE(FilmFromRgb, film_from_rgb, GST_TYPE_VIDEO_FILTER)

void film_from_rgb_class_init(FilmFromRgbClass *klass)
{
    auto *element_class = GST_ELEMENT_CLASS(klass);
    add_template(element_class, GST_PAD_SINK, painted);
    add_template(element_class, GST_PAD_SRC, coded);
    gst_element_class_set_static_metadata(element_class, "Film from RGB", "Filter/Converter/Video",
                                          "RGB to 4:2:0, rounded", "gst-anime");
    GST_BASE_TRANSFORM_CLASS(klass)->transform_caps = [](GstBaseTransform *, GstPadDirection from,
                                                         GstCaps *caps, GstCaps *filter) {
        const bool written = from == GST_PAD_SINK;
        return filtered(with_formats(caps, written ? coded : painted, written), filter);
    };
    GST_VIDEO_FILTER_CLASS(klass)->transform_frame = from_rgb;
}

void film_from_rgb_init(FilmFromRgb *) {}

} // namespace

void register_yuv_filters()
{
    gst_element_register(nullptr, "filmtorgb", GST_RANK_NONE, film_to_rgb_get_type());
    gst_element_register(nullptr, "filmfromrgb", GST_RANK_NONE, film_from_rgb_get_type());
}

} // namespace anime
