// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/common/property_table.h"

namespace anime
{

GType register_enum(const char *name, const GEnumValue *values)
{
    const GType type = g_enum_register_static(name, values);
    gst_type_mark_as_plugin_api(type, static_cast<GstPluginAPIFlags>(0));
    return type;
}

std::string enum_nick(GType type, int value)
{
    auto *enum_class = static_cast<GEnumClass *>(g_type_class_ref(type));
    const std::string nick = g_enum_get_value(enum_class, value)->value_nick;
    g_type_class_unref(enum_class);
    return nick;
}

int enum_value(GType type, const std::string &nick)
{
    auto *enum_class = static_cast<GEnumClass *>(g_type_class_ref(type));
    const int value = g_enum_get_value_by_nick(enum_class, nick.c_str())->value;
    g_type_class_unref(enum_class);
    return value;
}

void install_stats(GObjectClass *object_class, guint id, const char *about)
{
    g_object_class_install_property(
        object_class, id,
        g_param_spec_boxed("stats", "Statistics", about, GST_TYPE_STRUCTURE,
                           static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
}

} // namespace anime
