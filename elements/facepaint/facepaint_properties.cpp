// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/facepaint/facepaint_properties.h"

#include "elements/painting/paint_properties.h"

namespace anime
{

namespace
{

enum {
    FIRST_PAINT_PROPERTY = FACEPAINT_PROP_STATS + 1,
    PROP_MIN_FACE_SIZE = FIRST_PAINT_PROPERTY + PAINT_PROPERTY_COUNT,
    PROP_MAX_DETECTION_PIXELS,
    PROP_MAX_FACES,
    PROP_EXPAND,
    PROP_ALIGN,
    PROP_DETECTION_INTERVAL,
    PROP_BACKGROUND_DETECTION,
    PROP_FEATHER,
    PROP_MODE,
    PROP_MESSAGE_INTERVAL,
};

GType mode_type()
{
    static const GEnumValue values[] = {
        {static_cast<int>(FaceMode::blend), "Put the painted faces on the frame", "blend"},
        {static_cast<int>(FaceMode::overlay),
         "Attach them as overlays, for animeganfilter to put on the frame that it painted", "overlay"},
        {0, nullptr, nullptr},
    };
    static const GType type = [] {
        const GType registered = g_enum_register_static("GstAnimeFacepaintMode", values);
        gst_type_mark_as_plugin_api(registered, static_cast<GstPluginAPIFlags>(0));
        return registered;
    }();
    return type;
}

GType background_type()
{
    static const GEnumValue values[] = {
        {static_cast<int>(BackgroundDetection::automatic), "In live pipelines", "auto"},
        {static_cast<int>(BackgroundDetection::off), "Each detection on the frame that it is for", "off"},
        {static_cast<int>(BackgroundDetection::on), "With the last boxes until it answers", "on"},
        {0, nullptr, nullptr},
    };
    static const GType type = [] {
        const GType registered = g_enum_register_static("GstAnimeBackgroundDetection", values);
        gst_type_mark_as_plugin_api(registered, static_cast<GstPluginAPIFlags>(0));
        return registered;
    }();
    return type;
}

} // namespace

void install_facepaint_properties(GObjectClass *object_class)
{
    const FacepaintSettings defaults;
    constexpr int common = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
    constexpr auto ready = static_cast<GParamFlags>(common | GST_PARAM_MUTABLE_READY);
    constexpr auto playing = static_cast<GParamFlags>(common | GST_PARAM_MUTABLE_PLAYING);
    const auto install = [object_class](guint id, GParamSpec *spec) {
        g_object_class_install_property(object_class, id, spec);
    };

    install_paint_properties(object_class, FIRST_PAINT_PROPERTY, style_in_use,
                             "Name of a style in the catalogue, or path of a .safetensors or .pt file (auto: "
                             "what the next animeganfilter paints with); a change takes effect with the next "
                             "frame");
    install(PROP_MIN_FACE_SIZE,
            g_param_spec_int("min-face-size", "Minimum face size",
                             "Side in pixels of the smallest face that is looked for, from brow to chin; a "
                             "larger value is faster",
                             smallest_face, 65535, defaults.faces.detection.min_face_size, playing));
    install(PROP_MAX_DETECTION_PIXELS,
            g_param_spec_uint64("max-detection-pixels", "Maximum detection pixels",
                                "Most pixels that a frame is scaled to for detection; on larger frames the "
                                "smallest faces are missed (2 million: 90 ms on two cores, and 25 MB)",
                                10'000, 100'000'000, defaults.faces.detection.max_pixels, playing));
    install(PROP_MAX_FACES, g_param_spec_uint("max-faces", "Maximum faces",
                                              "Most faces that are painted on a frame; the surest are kept "
                                              "(0: none, and none is looked for)",
                                              0, 1000, defaults.faces.max_faces, playing));
    install(PROP_EXPAND, g_param_spec_double("expand", "Expand",
                                             "Side of the square that is painted, in sides of the face", 1, 4,
                                             defaults.faces.expand, playing));
    install(PROP_ALIGN,
            g_param_spec_boolean("align", "Align",
                                 "Turn faces upright for painting by their eyes; needs libdlib-data, 90 MB "
                                 "of memory and 0.4 s to start",
                                 defaults.align, ready));
    install(PROP_DETECTION_INTERVAL,
            g_param_spec_uint("detection-interval", "Detection interval",
                              "Frames from one detection to the next; between them the boxes glide (1: each "
                              "frame by itself, for stills)",
                              1, 1000, defaults.faces.detection_interval, playing));
    install(
        PROP_BACKGROUND_DETECTION,
        g_param_spec_enum("background-detection", "Background detection",
                          "Look for faces on a thread of its own, which takes a quarter of a core at most",
                          background_type(), static_cast<int>(defaults.background), playing));
    install(PROP_FEATHER,
            g_param_spec_double("feather", "Feather",
                                "Width of the soft edge, in radii of the circle that is painted (0: hard)", 0,
                                1, defaults.faces.feather, playing));
    install(PROP_MODE, g_param_spec_enum("mode", "Mode", "What happens to the painted faces", mode_type(),
                                         static_cast<int>(defaults.mode), playing));
    install(PROP_MESSAGE_INTERVAL,
            g_param_spec_uint64("message-interval", "Message interval",
                                "Least running time in nanoseconds between two messages (0: one per frame)",
                                0, G_MAXUINT64, defaults.message_interval, playing));
    install(FACEPAINT_PROP_STATS,
            g_param_spec_boxed("stats", "Statistics",
                               "Frames handled, dropped and failed, faces found and painted, and times in "
                               "nanoseconds",
                               GST_TYPE_STRUCTURE,
                               static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
}

bool set_facepaint_property(FacepaintSettings &settings, guint id, const GValue *value)
{
    switch (id) {
    case PROP_MIN_FACE_SIZE:
        settings.faces.detection.min_face_size = g_value_get_int(value);
        return true;
    case PROP_MAX_DETECTION_PIXELS:
        settings.faces.detection.max_pixels = g_value_get_uint64(value);
        return true;
    case PROP_MAX_FACES:
        settings.faces.max_faces = g_value_get_uint(value);
        return true;
    case PROP_EXPAND:
        settings.faces.expand = g_value_get_double(value);
        return true;
    case PROP_ALIGN:
        settings.align = g_value_get_boolean(value);
        return true;
    case PROP_DETECTION_INTERVAL:
        settings.faces.detection_interval = g_value_get_uint(value);
        return true;
    case PROP_BACKGROUND_DETECTION:
        settings.background = static_cast<BackgroundDetection>(g_value_get_enum(value));
        return true;
    case PROP_FEATHER:
        settings.faces.feather = g_value_get_double(value);
        return true;
    case PROP_MODE:
        settings.mode = static_cast<FaceMode>(g_value_get_enum(value));
        return true;
    case PROP_MESSAGE_INTERVAL:
        settings.message_interval = g_value_get_uint64(value);
        return true;
    default:
        return set_paint_property(settings.paint, id - FIRST_PAINT_PROPERTY, value, style_in_use);
    }
}

bool get_facepaint_property(const FacepaintSettings &settings, guint id, GValue *value)
{
    switch (id) {
    case PROP_MIN_FACE_SIZE:
        g_value_set_int(value, settings.faces.detection.min_face_size);
        return true;
    case PROP_MAX_DETECTION_PIXELS:
        g_value_set_uint64(value, settings.faces.detection.max_pixels);
        return true;
    case PROP_MAX_FACES:
        g_value_set_uint(value, settings.faces.max_faces);
        return true;
    case PROP_EXPAND:
        g_value_set_double(value, settings.faces.expand);
        return true;
    case PROP_ALIGN:
        g_value_set_boolean(value, settings.align);
        return true;
    case PROP_DETECTION_INTERVAL:
        g_value_set_uint(value, settings.faces.detection_interval);
        return true;
    case PROP_BACKGROUND_DETECTION:
        g_value_set_enum(value, static_cast<int>(settings.background));
        return true;
    case PROP_FEATHER:
        g_value_set_double(value, settings.faces.feather);
        return true;
    case PROP_MODE:
        g_value_set_enum(value, static_cast<int>(settings.mode));
        return true;
    case PROP_MESSAGE_INTERVAL:
        g_value_set_uint64(value, settings.message_interval);
        return true;
    default:
        return get_paint_property(settings.paint, id - FIRST_PAINT_PROPERTY, value);
    }
}

} // namespace anime
