// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/sizeguard/sizeguard_properties.h"

namespace anime
{

namespace
{

enum {
    PROP_MAX_BYTES = PROP_SIZEGUARD_STATS + 1,
    PROP_MAX_SOURCE_PIXELS,
    PROP_MAX_DIMENSION,
    PROP_MAX_SCANS,
    PROP_MAX_MEMORY,
    PROP_FORMATS,
    PROP_AUTO_ROTATE,
    PROP_ACTION,
    PROP_MESSAGE_INTERVAL,
    PROP_QOS,
};

enum Action { ACTION_SHRINK, ACTION_REJECT };

GType of_the_plugin(GType type)
{
    gst_type_mark_as_plugin_api(type, static_cast<GstPluginAPIFlags>(0));
    return type;
}

GType formats_type()
{
    static const GFlagsValue values[] = {
        {IMAGE_JPEG, "JPEG", "jpeg"},
        {IMAGE_PNG, "PNG", "png"},
        {IMAGE_WEBP, "WebP", "webp"},
        {0, nullptr, nullptr},
    };
    static const GType type = of_the_plugin(g_flags_register_static("GstAnimeSizeguardFormats", values));
    return type;
}

GType action_type()
{
    static const GEnumValue values[] = {
        {ACTION_SHRINK, "Scale what is larger than max-dimension down", "shrink"},
        {ACTION_REJECT, "Refuse what is larger than max-dimension", "reject"},
        {0, nullptr, nullptr},
    };
    static const GType type = of_the_plugin(g_enum_register_static("GstAnimeSizeguardAction", values));
    return type;
}

} // namespace

void install_sizeguard_properties(GObjectClass *object_class)
{
    const SizeguardSettings defaults;
    constexpr auto playing =
        static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
    const auto install = [object_class](guint id, GParamSpec *spec) {
        g_object_class_install_property(object_class, id, spec);
    };

    install(PROP_MAX_BYTES,
            g_param_spec_uint64("max-bytes", "Maximum bytes",
                                "Largest image file in bytes; more is refused while it arrives (0: no limit)",
                                0, G_MAXUINT64, defaults.limits.max_bytes, playing));
    install(PROP_MAX_SOURCE_PIXELS,
            g_param_spec_uint64("max-source-pixels", "Maximum source pixels",
                                "Largest width × height that a header may declare; more is refused before it "
                                "is decoded (0: no limit)",
                                0, G_MAXUINT64, defaults.limits.max_source_pixels, playing));
    install(PROP_MAX_DIMENSION,
            g_param_spec_uint("max-dimension", "Maximum dimension",
                              "Longest side of a frame that leaves the element, in pixels (0: no limit)", 0,
                              32767, defaults.limits.max_dimension, playing));
    install(PROP_MAX_SCANS, g_param_spec_uint("max-scans", "Maximum scans",
                                              "Most scans that a JPEG may be stored in (0: no limit)", 0,
                                              G_MAXUINT32, defaults.limits.max_scans, playing));
    install(PROP_MAX_MEMORY,
            g_param_spec_uint64("max-memory", "Maximum memory",
                                "Most bytes that decoding may have to hold at once, by the header: for "
                                "progressive JPEG, interlaced PNG, lossless and animated WebP; images wait "
                                "while others of the process hold the rest of it (0: no limit)",
                                0, G_MAXUINT64, defaults.limits.max_memory, playing));
    install(PROP_FORMATS,
            g_param_spec_flags("formats", "Formats", "Formats that are let in, by what the bytes are",
                               formats_type(), defaults.limits.formats, playing));
    install(PROP_AUTO_ROTATE,
            g_param_spec_boolean("auto-rotate", "Auto-rotate", "Turn photos upright, by their EXIF data",
                                 defaults.limits.auto_rotate, playing));
    install(PROP_ACTION,
            g_param_spec_enum("action", "Action", "What to do with what is larger than max-dimension",
                              action_type(), ACTION_SHRINK, playing));
    install(PROP_MESSAGE_INTERVAL,
            g_param_spec_uint64("message-interval", "Message interval",
                                "Least running time in nanoseconds between two messages (0: one per frame)",
                                0, G_MAXUINT64, defaults.message_interval, playing));
    install(PROP_QOS,
            g_param_spec_boolean("qos", "QoS", "Drop late frames instead of decoding or scaling them",
                                 defaults.qos, playing));
    install(PROP_SIZEGUARD_STATS,
            g_param_spec_boxed(
                "stats", "Statistics", "Images passed, shrunk, refused and dropped, their bytes and times",
                GST_TYPE_STRUCTURE, static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
}

bool set_sizeguard_property(SizeguardSettings &settings, guint id, const GValue *value)
{
    Limits &limits = settings.limits;
    switch (id) {
    case PROP_MAX_BYTES:
        limits.max_bytes = g_value_get_uint64(value);
        return true;
    case PROP_MAX_SOURCE_PIXELS:
        limits.max_source_pixels = g_value_get_uint64(value);
        return true;
    case PROP_MAX_DIMENSION:
        limits.max_dimension = g_value_get_uint(value);
        return true;
    case PROP_MAX_SCANS:
        limits.max_scans = g_value_get_uint(value);
        return true;
    case PROP_MAX_MEMORY:
        limits.max_memory = g_value_get_uint64(value);
        return true;
    case PROP_FORMATS:
        limits.formats = g_value_get_flags(value);
        return true;
    case PROP_AUTO_ROTATE:
        limits.auto_rotate = g_value_get_boolean(value);
        return true;
    case PROP_ACTION:
        limits.reject_oversize = g_value_get_enum(value) == ACTION_REJECT;
        return true;
    case PROP_MESSAGE_INTERVAL:
        settings.message_interval = g_value_get_uint64(value);
        return true;
    case PROP_QOS:
        settings.qos = g_value_get_boolean(value);
        return true;
    default:
        return false;
    }
}

bool get_sizeguard_property(const SizeguardSettings &settings, guint id, GValue *value)
{
    const Limits &limits = settings.limits;
    switch (id) {
    case PROP_MAX_BYTES:
        g_value_set_uint64(value, limits.max_bytes);
        return true;
    case PROP_MAX_SOURCE_PIXELS:
        g_value_set_uint64(value, limits.max_source_pixels);
        return true;
    case PROP_MAX_DIMENSION:
        g_value_set_uint(value, limits.max_dimension);
        return true;
    case PROP_MAX_SCANS:
        g_value_set_uint(value, limits.max_scans);
        return true;
    case PROP_MAX_MEMORY:
        g_value_set_uint64(value, limits.max_memory);
        return true;
    case PROP_FORMATS:
        g_value_set_flags(value, limits.formats);
        return true;
    case PROP_AUTO_ROTATE:
        g_value_set_boolean(value, limits.auto_rotate);
        return true;
    case PROP_ACTION:
        g_value_set_enum(value, limits.reject_oversize ? ACTION_REJECT : ACTION_SHRINK);
        return true;
    case PROP_MESSAGE_INTERVAL:
        g_value_set_uint64(value, settings.message_interval);
        return true;
    case PROP_QOS:
        g_value_set_boolean(value, settings.qos);
        return true;
    default:
        return false;
    }
}

} // namespace anime
