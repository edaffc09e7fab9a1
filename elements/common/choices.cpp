// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/common/choices.h"

#include <algorithm>

namespace anime
{

namespace
{

/// With the row of zeros that ends it. A type is never unregistered.
template <typename Value>
const Value *kept(const std::vector<Value> &values)
{
    auto *copy = g_new0(Value, values.size() + 1);
    std::ranges::copy(values, copy);
    return copy;
}

GType of_the_plugin(GType type)
{
    gst_type_mark_as_plugin_api(type, static_cast<GstPluginAPIFlags>(0));
    return type;
}

} // namespace

GType register_enum_values(const char *name, const std::vector<GEnumValue> &values)
{
    return of_the_plugin(g_enum_register_static(name, kept(values)));
}

GType register_flags_values(const char *name, const std::vector<GFlagsValue> &values)
{
    return of_the_plugin(g_flags_register_static(name, kept(values)));
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

} // namespace anime
