// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/painting/paint_properties.h"

#include <string>
#include <vector>

namespace anime
{

namespace
{

enum { MODEL, EXECUTOR, DEVICE, PRECISION, THREADS };

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
    static const std::vector<ExecutorInfo> executors = list_executors();
    static const std::vector<GEnumValue> values = [] {
        std::vector<GEnumValue> rows = {{AUTO, "The one that runs the model best", "auto"}};
        for (const ExecutorInfo &executor : executors)
            rows.push_back({static_cast<int>(rows.size()), executor.about.c_str(), executor.name.c_str()});
        rows.push_back({0, nullptr, nullptr});
        return rows;
    }();
    static const GType type = register_enum("GstAnimeExecutor", values.data());
    return type;
}

GType precision_type()
{
    static const GEnumValue values[] = {
        {AUTO, "The fastest that stays faithful to the model", "auto"},
        {1, "32-bit floating point", "f32"},
        {2, "Brain floating point, 16 bits", "bf16"},
        {3, "8-bit integers, for calibrated models", "int8"},
        {4, "IEEE half precision, on a GPU", "f16"},
        {0, nullptr, nullptr},
    };
    static const GType type = register_enum("GstAnimePrecision", values);
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

void install_paint_properties(GObjectClass *object_class, guint first, const char *default_model,
                              const char *about_model)
{
    const PaintSettings defaults;
    constexpr int common = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
    constexpr auto ready = static_cast<GParamFlags>(common | GST_PARAM_MUTABLE_READY);
    constexpr auto playing = static_cast<GParamFlags>(common | GST_PARAM_MUTABLE_PLAYING);
    const auto install = [object_class, first](guint index, GParamSpec *spec) {
        g_object_class_install_property(object_class, first + index, spec);
    };

    install(MODEL, g_param_spec_string("model", "Model", about_model, default_model, playing));
    install(EXECUTOR,
            g_param_spec_enum("executor", "Executor", "What runs the model", executor_type(), AUTO, ready));
    install(DEVICE, g_param_spec_string("device", "Device", "Where the model runs: auto, cpu, or cuda:N",
                                        defaults.device.c_str(), ready));
    install(PRECISION, g_param_spec_enum("precision", "Precision", "Numbers that the model is run with",
                                         precision_type(), AUTO, ready));
    install(THREADS, g_param_spec_uint(
                         "threads", "Threads",
                         "CPU threads that paint, shared by all elements of the process (0: one per core)", 0,
                         1024, defaults.threads, ready));
}

bool set_paint_property(PaintSettings &settings, guint index, const GValue *value, const char *default_model)
{
    const PaintSettings defaults;
    switch (index) {
    case MODEL:
        settings.model = string_of(value, default_model);
        return true;
    case EXECUTOR:
        settings.executor = nick_of(executor_type(), value);
        return true;
    case DEVICE:
        settings.device = string_of(value, defaults.device);
        return true;
    case PRECISION:
        settings.precision = nick_of(precision_type(), value);
        return true;
    case THREADS:
        settings.threads = g_value_get_uint(value);
        return true;
    default:
        return false;
    }
}

bool get_paint_property(const PaintSettings &settings, guint index, GValue *value)
{
    switch (index) {
    case MODEL:
        g_value_set_string(value, settings.model.c_str());
        return true;
    case EXECUTOR:
        set_by_nick(value, executor_type(), settings.executor);
        return true;
    case DEVICE:
        g_value_set_string(value, settings.device.c_str());
        return true;
    case PRECISION:
        set_by_nick(value, precision_type(), settings.precision);
        return true;
    case THREADS:
        g_value_set_uint(value, settings.threads);
        return true;
    default:
        return false;
    }
}

} // namespace anime
