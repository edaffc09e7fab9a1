// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/film/pixel_filter.h"

#include "pipelines/film/colour.h"
#include "pipelines/film/tone_curve.h"

#include <gst/video/gstvideofilter.h>

#include <new>
#include <tuple>
#include <utility>

namespace anime
{

namespace
{

// --- the tone mapper ---

struct ToneMapper {
    GstVideoFilter parent;
    float peak;
    ToneTable *table; ///< owned; made for the caps' transfer function
};

struct ToneMapperClass {
    GstVideoFilterClass parent;
};

G_DEFINE_TYPE(ToneMapper, tone_mapper, GST_TYPE_VIDEO_FILTER)

GstCaps *map_caps(GstBaseTransform *, GstPadDirection direction, GstCaps *caps, GstCaps *filter)
{
    GstCaps *mapped = gst_caps_copy(caps);
    for (guint i = 0; i < gst_caps_get_size(mapped); ++i) {
        GstStructure *structure = gst_caps_get_structure(mapped, i);
        gst_structure_remove_fields(structure, "colorimetry", "chroma-site", "mastering-display-info",
                                    "content-light-level", nullptr);
        const bool from_sink = direction == GST_PAD_SINK;
        gst_structure_set(structure, "format", G_TYPE_STRING, from_sink ? "RGB" : "ARGB64", nullptr);
        if (from_sink) // R'G'B' of BT.709, full range
            gst_structure_set(structure, "colorimetry", G_TYPE_STRING, "1:1:5:1", nullptr);
    }
    if (filter) {
        GstCaps *wanted = gst_caps_intersect_full(filter, mapped, GST_CAPS_INTERSECT_FIRST);
        gst_caps_unref(mapped);
        mapped = wanted;
    }
    return mapped;
}

gboolean set_tone_info(GstVideoFilter *filter, GstCaps *, GstVideoInfo *in, GstCaps *, GstVideoInfo *)
{
    auto *self = reinterpret_cast<ToneMapper *>(filter);
    const HdrTransfer transfer =
        in->colorimetry.transfer == GST_VIDEO_TRANSFER_ARIB_STD_B67 ? HdrTransfer::hlg : HdrTransfer::pq;
    delete std::exchange(self->table, nullptr);
    self->table = new (std::nothrow) ToneTable(transfer, self->peak);
    return self->table != nullptr;
}

GstFlowReturn map_frame(GstVideoFilter *filter, GstVideoFrame *in, GstVideoFrame *out)
{
    const ToneTable &table = *reinterpret_cast<ToneMapper *>(filter)->table;
    for (int y = 0; y < GST_VIDEO_FRAME_HEIGHT(in); ++y) {
        const auto *from = static_cast<const std::uint8_t *>(GST_VIDEO_FRAME_PLANE_DATA(in, 0)) +
                           std::ptrdiff_t{y} * GST_VIDEO_FRAME_PLANE_STRIDE(in, 0);
        auto *to = static_cast<std::uint8_t *>(GST_VIDEO_FRAME_PLANE_DATA(out, 0)) +
                   std::ptrdiff_t{y} * GST_VIDEO_FRAME_PLANE_STRIDE(out, 0);
        table.apply(reinterpret_cast<const std::uint16_t *>(from), to, GST_VIDEO_FRAME_WIDTH(in));
    }
    return GST_FLOW_OK;
}

void add_templates(GstElementClass *klass, const char *in, const char *out)
{
    for (const auto &[name, direction, format] :
         {std::tuple{"sink", GST_PAD_SINK, in}, std::tuple{"src", GST_PAD_SRC, out}}) {
        GstCaps *caps = gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, format, nullptr);
        gst_element_class_add_pad_template(klass,
                                           gst_pad_template_new(name, direction, GST_PAD_ALWAYS, caps));
        gst_caps_unref(caps);
    }
}

void tone_mapper_class_init(ToneMapperClass *klass)
{
    add_templates(GST_ELEMENT_CLASS(klass), "ARGB64", "RGB");
    gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Tone mapper", "Filter/Converter/Video",
                                          "HLG and PQ to BT.709", "gst-anime");
    GST_BASE_TRANSFORM_CLASS(klass)->transform_caps = map_caps;
    GST_VIDEO_FILTER_CLASS(klass)->set_info = set_tone_info;
    GST_VIDEO_FILTER_CLASS(klass)->transform_frame = map_frame;
    G_OBJECT_CLASS(klass)->finalize = [](GObject *object) {
        delete reinterpret_cast<ToneMapper *>(object)->table;
        G_OBJECT_CLASS(tone_mapper_parent_class)->finalize(object);
    };
}

void tone_mapper_init(ToneMapper *) {}

// --- the flattener ---

struct Flattener {
    GstVideoFilter parent;
};

struct FlattenerClass {
    GstVideoFilterClass parent;
};

G_DEFINE_TYPE(Flattener, flattener, GST_TYPE_VIDEO_FILTER)

GstFlowReturn flatten(GstVideoFilter *, GstVideoFrame *frame)
{
    for (int y = 0; y < GST_VIDEO_FRAME_HEIGHT(frame); ++y) {
        auto *pixel = static_cast<std::uint8_t *>(GST_VIDEO_FRAME_PLANE_DATA(frame, 0)) +
                      std::ptrdiff_t{y} * GST_VIDEO_FRAME_PLANE_STRIDE(frame, 0);
        for (int x = 0; x < GST_VIDEO_FRAME_WIDTH(frame); ++x, pixel += 4) {
            const unsigned alpha = pixel[3];
            for (int c = 0; c < 3; ++c)
                pixel[c] = static_cast<std::uint8_t>((pixel[c] * alpha + 255 * (255 - alpha) + 127) / 255);
            pixel[3] = 255;
        }
    }
    return GST_FLOW_OK;
}

void flattener_class_init(FlattenerClass *klass)
{
    add_templates(GST_ELEMENT_CLASS(klass), "RGBA", "RGBA");
    gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Flattener", "Filter/Effect/Video",
                                          "Puts pictures over white", "gst-anime");
    GST_VIDEO_FILTER_CLASS(klass)->transform_frame_ip = flatten;
}

void flattener_init(Flattener *) {}

} // namespace

GstElement *make_tone_mapper(float peak)
{
    auto *element = static_cast<ToneMapper *>(g_object_new(tone_mapper_get_type(), nullptr));
    element->peak = peak;
    return GST_ELEMENT(element);
}

GstElement *make_flattener()
{
    return GST_ELEMENT(g_object_new(flattener_get_type(), nullptr));
}

} // namespace anime
