// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/animeganfilter/properties.h"

#include <string>

namespace anime
{

namespace
{

enum {
    PROP_MODEL = PROP_STATS + 1,
    PROP_EXECUTOR,
    PROP_DEVICE,
    PROP_PRECISION,
    PROP_THREADS,
    PROP_MAX_DIMENSION,
    PROP_STRENGTH,
    PROP_MATCH_BRIGHTNESS,
    PROP_TEMPORAL_SMOOTHING,
    PROP_MESSAGE_INTERVAL,
};

// The values of the enums are only for GObject; PaintSettings has the nicks.
constexpr int AUTO = 0;

GType register_enum(const char *name, const GEnumValue *values)
{
    const GType type = g_enum_register_static(name, values);
    gst_type_mark_as_plugin_api(type, static_cast<GstPluginAPIFlags>(0));
    return type;
}

GType executor_type()
{
    static const GEnumValue values[] = {
        {AUTO, "The one that runs the model best", "auto"},
        {1, "oneDNN, on the CPU", "onednn"},
        {2, "libtorch, from its own module: CPU or CUDA, also TorchScript models", "torch"},
        {0, nullptr, nullptr},
    };
    static const GType type = register_enum("GstAnimeganFilterExecutor", values);
    return type;
}

GType precision_type()
{
    static const GEnumValue values[] = {
        {AUTO, "The fastest that stays faithful to the model", "auto"},
        {1, "32-bit floating point", "f32"},
        {2, "Brain floating point, 16 bits", "bf16"},
        {3, "8-bit integers, for calibrated models", "int8"},
        {0, nullptr, nullptr},
    };
    static const GType type = register_enum("GstAnimeganFilterPrecision", values);
    return type;
}

std::string nick_of(GType type, const GValue *value)
{
    auto *enum_class = static_cast<GEnumClass *>(g_type_class_ref(type));
    const std::string nick = g_enum_get_value(enum_class, g_value_get_enum(value))->value_nick;
    g_type_class_unref(enum_class);
    return nick;
}

void set_by_nick(GValue *value, GType type, const std::string &nick)
{
    auto *enum_class = static_cast<GEnumClass *>(g_type_class_ref(type));
    g_value_set_enum(value, g_enum_get_value_by_nick(enum_class, nick.c_str())->value);
    g_type_class_unref(enum_class);
}

std::string string_of(const GValue *value, const std::string &instead_of_null)
{
    const gchar *string = g_value_get_string(value);
    return string ? string : instead_of_null;
}

} // namespace

void install_properties(GObjectClass *object_class)
{
    const Settings defaults;
    constexpr int common = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
    constexpr auto ready = static_cast<GParamFlags>(common | GST_PARAM_MUTABLE_READY);
    constexpr auto playing = static_cast<GParamFlags>(common | GST_PARAM_MUTABLE_PLAYING);
    constexpr auto controlled =
        static_cast<GParamFlags>(common | GST_PARAM_MUTABLE_PLAYING | GST_PARAM_CONTROLLABLE);
    const auto install = [object_class](guint id, GParamSpec *spec) {
        g_object_class_install_property(object_class, id, spec);
    };

    install(PROP_MODEL,
            g_param_spec_string("model", "Model",
                                "Name of a style in the catalogue, or path of a .safetensors or .pt file; a "
                                "change takes effect with the next frame",
                                defaults.paint.model.c_str(), playing));
    install(PROP_EXECUTOR,
            g_param_spec_enum("executor", "Executor", "What runs the model", executor_type(), AUTO, ready));
    install(PROP_DEVICE, g_param_spec_string("device", "Device", "Where the model runs: auto, cpu, or cuda:N",
                                             defaults.paint.device.c_str(), ready));
    install(PROP_PRECISION, g_param_spec_enum("precision", "Precision", "Numbers that the model is run with",
                                              precision_type(), AUTO, ready));
    install(
        PROP_THREADS,
        g_param_spec_uint("threads", "Threads",
                          "CPU threads that paint, shared by all elements of the process (0: one per core)",
                          0, 1024, defaults.paint.threads, ready));
    install(PROP_MAX_DIMENSION,
            g_param_spec_int("max-dimension", "Maximum dimension",
                             "Longest side in pixels at which a frame is painted; a larger frame is scaled "
                             "down, and its painting up again (0: no limit)",
                             0, 65535, defaults.frame.max_dimension, playing));
    install(PROP_STRENGTH, g_param_spec_double("strength", "Strength",
                                               "From the photo (0, nothing is painted) to the painting (1)",
                                               0, 1, defaults.frame.strength, controlled));
    install(PROP_MATCH_BRIGHTNESS, g_param_spec_boolean("match-brightness", "Match brightness",
                                                        "Give the painting the mean brightness of the photo",
                                                        defaults.frame.match_brightness, playing));
    install(PROP_TEMPORAL_SMOOTHING,
            g_param_spec_double("temporal-smoothing", "Temporal smoothing",
                                "Part of the last painting that is kept where the video hardly changes, "
                                "against flicker (0: none)",
                                0, 0.95, defaults.frame.temporal_smoothing, playing));
    install(PROP_MESSAGE_INTERVAL,
            g_param_spec_uint64("message-interval", "Message interval",
                                "Least running time in nanoseconds between two messages (0: one per frame)",
                                0, G_MAXUINT64, defaults.message_interval, playing));
    install(PROP_STATS,
            g_param_spec_boxed("stats", "Statistics",
                               "Frames painted, dropped and failed, their times, and the model "
                               "in use",
                               GST_TYPE_STRUCTURE,
                               static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
}

bool set_property(Settings &settings, guint id, const GValue *value)
{
    const Settings defaults;
    switch (id) {
    case PROP_MODEL:
        settings.paint.model = string_of(value, defaults.paint.model);
        return true;
    case PROP_EXECUTOR:
        settings.paint.executor = nick_of(executor_type(), value);
        return true;
    case PROP_DEVICE:
        settings.paint.device = string_of(value, defaults.paint.device);
        return true;
    case PROP_PRECISION:
        settings.paint.precision = nick_of(precision_type(), value);
        return true;
    case PROP_THREADS:
        settings.paint.threads = g_value_get_uint(value);
        return true;
    case PROP_MAX_DIMENSION:
        settings.frame.max_dimension = g_value_get_int(value);
        return true;
    case PROP_STRENGTH:
        settings.frame.strength = g_value_get_double(value);
        return true;
    case PROP_MATCH_BRIGHTNESS:
        settings.frame.match_brightness = g_value_get_boolean(value);
        return true;
    case PROP_TEMPORAL_SMOOTHING:
        settings.frame.temporal_smoothing = g_value_get_double(value);
        return true;
    case PROP_MESSAGE_INTERVAL:
        settings.message_interval = g_value_get_uint64(value);
        return true;
    default:
        return false;
    }
}

bool get_property(const Settings &settings, guint id, GValue *value)
{
    switch (id) {
    case PROP_MODEL:
        g_value_set_string(value, settings.paint.model.c_str());
        return true;
    case PROP_EXECUTOR:
        set_by_nick(value, executor_type(), settings.paint.executor);
        return true;
    case PROP_DEVICE:
        g_value_set_string(value, settings.paint.device.c_str());
        return true;
    case PROP_PRECISION:
        set_by_nick(value, precision_type(), settings.paint.precision);
        return true;
    case PROP_THREADS:
        g_value_set_uint(value, settings.paint.threads);
        return true;
    case PROP_MAX_DIMENSION:
        g_value_set_int(value, settings.frame.max_dimension);
        return true;
    case PROP_STRENGTH:
        g_value_set_double(value, settings.frame.strength);
        return true;
    case PROP_MATCH_BRIGHTNESS:
        g_value_set_boolean(value, settings.frame.match_brightness);
        return true;
    case PROP_TEMPORAL_SMOOTHING:
        g_value_set_double(value, settings.frame.temporal_smoothing);
        return true;
    case PROP_MESSAGE_INTERVAL:
        g_value_set_uint64(value, settings.message_interval);
        return true;
    default:
        return false;
    }
}

} // namespace anime
