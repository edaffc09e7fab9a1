// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/animeganfilter/properties.h"

#include "elements/painting/paint_properties.h"

namespace anime
{

namespace
{

enum {
    FIRST_PAINT_PROPERTY = ANIMEGANFILTER_PROP_STATS + 1,
    PROP_MAX_DIMENSION = FIRST_PAINT_PROPERTY + PAINT_PROPERTY_COUNT,
    PROP_STRENGTH,
    PROP_MATCH_TONE,
    PROP_MATCH_BRIGHTNESS,
    PROP_TEMPORAL_SMOOTHING,
    PROP_TARGET_FRAMERATE,
    PROP_MESSAGE_INTERVAL,
};

constexpr const char *default_model = "default";

GType tone_match_type()
{
    static const GEnumValue values[] = {
        {static_cast<int>(ToneMatch::automatic), "full, or off for a style that grades for itself", "auto"},
        {static_cast<int>(ToneMatch::off), "Leave the painting as the style made it", "off"},
        {static_cast<int>(ToneMatch::mean), "Give it the photo's mean brightness, by one factor", "mean"},
        {static_cast<int>(ToneMatch::full), "Give it the photo's range from dark to light, by a curve",
         "full"},
        {0, nullptr, nullptr},
    };
    static const GType type = [] {
        const GType registered = g_enum_register_static("GstAnimeToneMatch", values);
        gst_type_mark_as_plugin_api(registered, static_cast<GstPluginAPIFlags>(0));
        return registered;
    }();
    return type;
}

} // namespace

void install_animeganfilter_properties(GObjectClass *object_class)
{
    const AnimeganFilterSettings defaults;
    constexpr int common = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
    constexpr auto playing = static_cast<GParamFlags>(common | GST_PARAM_MUTABLE_PLAYING);
    constexpr auto controlled =
        static_cast<GParamFlags>(common | GST_PARAM_MUTABLE_PLAYING | GST_PARAM_CONTROLLABLE);
    const auto install = [object_class](guint id, GParamSpec *spec) {
        g_object_class_install_property(object_class, id, spec);
    };

    install_paint_properties(object_class, FIRST_PAINT_PROPERTY, default_model,
                             "Name of a style in the catalogue, or path of a .safetensors or .pt file; a "
                             "change takes effect with the next frame");
    install(PROP_MAX_DIMENSION,
            g_param_spec_int("max-dimension", "Maximum dimension",
                             "Longest side in pixels at which a frame is painted; a larger frame is scaled "
                             "down, and its painting up again (0: no limit)",
                             0, 65535, defaults.frame.max_dimension, playing));
    install(PROP_STRENGTH, g_param_spec_double("strength", "Strength",
                                               "From the photo (0, nothing is painted) to the painting (1)",
                                               0, 1, defaults.frame.strength, controlled));
    install(PROP_MATCH_TONE,
            g_param_spec_enum("match-tone", "Match tone",
                              "How the painting's light and dark follow the photo's", tone_match_type(),
                              static_cast<int>(defaults.frame.match_tone), playing));
    install(PROP_MATCH_BRIGHTNESS,
            g_param_spec_boolean("match-brightness", "Match brightness",
                                 "The old name of match-tone: true is its mean, false its off", TRUE,
                                 static_cast<GParamFlags>(G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS |
                                                          GST_PARAM_MUTABLE_PLAYING | G_PARAM_DEPRECATED)));
    install(PROP_TEMPORAL_SMOOTHING,
            g_param_spec_double("temporal-smoothing", "Temporal smoothing",
                                "Part of the last painting that is kept where the video hardly changes, "
                                "against flicker (0: none)",
                                0, 0.95, defaults.frame.temporal_smoothing, playing));
    install(PROP_TARGET_FRAMERATE,
            gst_param_spec_fraction("target-framerate", "Target framerate",
                                    "Frames a second that are held by painting at a smaller size where the "
                                    "machine is too slow; a QOS message tells the quality (0/1: none)",
                                    0, 1, 1000, 1, defaults.target_numerator, defaults.target_denominator,
                                    playing));
    install(PROP_MESSAGE_INTERVAL,
            g_param_spec_uint64("message-interval", "Message interval",
                                "Least running time in nanoseconds between two messages (0: one per frame)",
                                0, G_MAXUINT64, defaults.message_interval, playing));
    install(ANIMEGANFILTER_PROP_STATS,
            g_param_spec_boxed("stats", "Statistics",
                               "Frames painted, dropped and failed, their times, and the model "
                               "in use",
                               GST_TYPE_STRUCTURE,
                               static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
}

bool set_animeganfilter_property(AnimeganFilterSettings &settings, guint id, const GValue *value)
{
    switch (id) {
    case PROP_MAX_DIMENSION:
        settings.frame.max_dimension = g_value_get_int(value);
        return true;
    case PROP_STRENGTH:
        settings.frame.strength = g_value_get_double(value);
        return true;
    case PROP_MATCH_TONE:
        settings.frame.match_tone = static_cast<ToneMatch>(g_value_get_enum(value));
        return true;
    case PROP_MATCH_BRIGHTNESS:
        settings.frame.match_tone = g_value_get_boolean(value) ? ToneMatch::mean : ToneMatch::off;
        return true;
    case PROP_TEMPORAL_SMOOTHING:
        settings.frame.temporal_smoothing = g_value_get_double(value);
        return true;
    case PROP_TARGET_FRAMERATE:
        settings.target_numerator = gst_value_get_fraction_numerator(value);
        settings.target_denominator = gst_value_get_fraction_denominator(value);
        return true;
    case PROP_MESSAGE_INTERVAL:
        settings.message_interval = g_value_get_uint64(value);
        return true;
    default:
        return set_paint_property(settings.paint, id - FIRST_PAINT_PROPERTY, value, default_model);
    }
}

bool get_animeganfilter_property(const AnimeganFilterSettings &settings, guint id, GValue *value)
{
    switch (id) {
    case PROP_MAX_DIMENSION:
        g_value_set_int(value, settings.frame.max_dimension);
        return true;
    case PROP_STRENGTH:
        g_value_set_double(value, settings.frame.strength);
        return true;
    case PROP_MATCH_TONE:
        g_value_set_enum(value, static_cast<int>(settings.frame.match_tone));
        return true;
    case PROP_TEMPORAL_SMOOTHING:
        g_value_set_double(value, settings.frame.temporal_smoothing);
        return true;
    case PROP_TARGET_FRAMERATE:
        gst_value_set_fraction(value, settings.target_numerator, settings.target_denominator);
        return true;
    case PROP_MESSAGE_INTERVAL:
        g_value_set_uint64(value, settings.message_interval);
        return true;
    default:
        return get_paint_property(settings.paint, id - FIRST_PAINT_PROPERTY, value);
    }
}

} // namespace anime
