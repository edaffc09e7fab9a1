// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/facepaint/facepaint_properties.h"

#include "elements/painting/paint_properties.h"

namespace anime
{

namespace
{

GType register_mode()
{
    return register_enum<FaceMode>(
        "GstAnimeFacepaintMode",
        {
            {FaceMode::blend, "Put the painted faces on the frame", "blend"},
            {FaceMode::overlay,
             "Attach them as overlays, for animeganfilter to put on the frame that it painted", "overlay"},
        });
}

GType register_background()
{
    return register_enum<BackgroundDetection>(
        "GstAnimeBackgroundDetection",
        {
            {BackgroundDetection::automatic, "In live pipelines", "auto"},
            {BackgroundDetection::off, "Each detection on the frame that it is for", "off"},
            {BackgroundDetection::on, "With the last boxes until it answers", "on"},
        });
}

void add_detection_properties(PropertyTable<FacepaintSettings> &table)
{
    table.add_number(
        {"min-face-size", "Minimum face size",
         "Side in pixels of the smallest face that is looked for, from brow to chin; a larger value is "
         "faster",
         mutable_playing},
        smallest_face, 65535,
        [](auto &settings) -> auto & { return settings.faces.detection.min_face_size; });
    table.add_number(
        {"max-detection-pixels", "Maximum detection pixels",
         "Most pixels that a frame is scaled to for detection; on larger frames the smallest faces are "
         "missed (2 million: 90 ms on two cores, and 25 MB)",
         mutable_playing},
        std::uint64_t{10'000}, std::uint64_t{100'000'000},
        [](auto &settings) -> auto & { return settings.faces.detection.max_pixels; });
    table.add_number(
        {"max-faces", "Maximum faces",
         "Most faces that are painted on a frame; the surest are kept (0: none, and none is looked for)",
         mutable_playing},
        0U, 1000U, [](auto &settings) -> auto & { return settings.faces.max_faces; });
    table.add_number(
        {"detection-interval", "Detection interval",
         "Frames from one detection to the next, between which faces are tracked (1: each frame by itself, "
         "for stills)",
         mutable_playing},
        1U, 1000U, [](auto &settings) -> auto & { return settings.faces.detection_interval; });
    table.add_number(
        {"search-interval", "Search interval",
         "Frames from one detection in the whole frame to the next, between which detections look only where "
         "faces are known (0: each detection looks everywhere)",
         mutable_playing},
        0U, 1000U, [](auto &settings) -> auto & { return settings.faces.search_interval; });
    table.add_choice(
        {"background-detection", "Background detection",
         "Look for faces on a thread of its own, which takes a quarter of a core at most", mutable_playing},
        register_background(), [](auto &settings) -> auto & { return settings.background; });
}

void add_painting_properties(PropertyTable<FacepaintSettings> &table)
{
    table.add_number(
        {"expand", "Expand", "Side of the square that is painted, in sides of the face", mutable_playing},
        1.0, 4.0, [](auto &settings) -> auto & { return settings.faces.expand; });
    table.add_boolean(
        {"align", "Align",
         "Turn faces upright for painting by their eyes; needs libdlib-data, 90 MB of memory and 0.4 s to "
         "start",
         mutable_ready},
        [](auto &settings) -> auto & { return settings.align; });
    table.add_number(
        {"feather", "Feather", "Width of the soft edge, in radii of the circle that is painted (0: hard)",
         controllable},
        0.0, 1.0, [](auto &settings) -> auto & { return settings.faces.feather; });
    table.add_choice(
        {"mode", "Mode", "What happens to the painted faces", mutable_playing}, register_mode(),
        [](auto &settings) -> auto & { return settings.mode; });
}

} // namespace

const PropertyTable<FacepaintSettings> &facepaint_properties()
{
    static const PropertyTable<FacepaintSettings> properties = [] {
        PropertyTable<FacepaintSettings> table;
        add_paint_properties(
            table, "Name of a style in the catalogue, or path of a .safetensors or .pt file (auto: what "
                   "the next animeganfilter paints with); a change takes effect with the next frame");
        add_detection_properties(table);
        add_painting_properties(table);
        add_message_interval(table);
        return table;
    }();
    return properties;
}

} // namespace anime
