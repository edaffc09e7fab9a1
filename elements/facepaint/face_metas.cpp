// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/facepaint/face_metas.h"

#include <gst/video/video.h>

#include <algorithm>
#include <cmath>

namespace anime
{

namespace
{

struct Box {
    int x;
    int y;
    int width;
    int height;
};

Box box_on_frame(const Face &face, int frame_width, int frame_height)
{
    const auto edge = [](double value, int size) {
        return static_cast<int>(std::lround(std::clamp(value, 0.0, static_cast<double>(size))));
    };
    const int x = edge(face.x, frame_width);
    const int y = edge(face.y, frame_height);
    return {x, y, edge(face.x + face.width, frame_width) - x, edge(face.y + face.height, frame_height) - y};
}

void append_int(GValue *array, double number)
{
    GValue value = G_VALUE_INIT;
    g_value_init(&value, G_TYPE_INT);
    g_value_set_int(&value, static_cast<int>(std::lround(number)));
    gst_value_array_append_and_take_value(array, &value);
}

void set_detection(GstStructure *structure, const Face &face)
{
    gst_structure_set(structure, "confidence", G_TYPE_DOUBLE, face.confidence, nullptr);
    if (face.landmarks.empty())
        return;
    GValue array = G_VALUE_INIT;
    gst_value_array_init(&array, static_cast<guint>(2 * face.landmarks.size()));
    for (const Point &point : face.landmarks) {
        append_int(&array, point.x);
        append_int(&array, point.y);
    }
    gst_structure_take_value(structure, "landmarks", &array);
}

} // namespace

void attach_regions(GstBuffer *buffer, std::span<const Face> faces, int frame_width, int frame_height)
{
    for (const Face &face : faces) {
        const Box box = box_on_frame(face, frame_width, frame_height);
        GstVideoRegionOfInterestMeta *meta = gst_buffer_add_video_region_of_interest_meta(
            buffer, "face", static_cast<guint>(box.x), static_cast<guint>(box.y),
            static_cast<guint>(box.width), static_cast<guint>(box.height));
        GstStructure *detection = gst_structure_new_empty("detection");
        set_detection(detection, face);
        gst_video_region_of_interest_meta_add_param(meta, detection);
    }
}

void set_faces_field(GstStructure *message, std::span<const Face> faces, int frame_width, int frame_height)
{
    GValue array = G_VALUE_INIT;
    gst_value_array_init(&array, static_cast<guint>(faces.size()));
    for (const Face &face : faces) {
        const Box box = box_on_frame(face, frame_width, frame_height);
        GstStructure *structure =
            gst_structure_new("face", "x", G_TYPE_INT, box.x, "y", G_TYPE_INT, box.y, "width", G_TYPE_INT,
                              box.width, "height", G_TYPE_INT, box.height, nullptr);
        set_detection(structure, face);
        GValue value = G_VALUE_INIT;
        g_value_init(&value, GST_TYPE_STRUCTURE);
        g_value_take_boxed(&value, structure);
        gst_value_array_append_and_take_value(&array, &value);
    }
    gst_structure_take_value(message, "faces", &array);
}

} // namespace anime
