// SPDX-License-Identifier: LGPL-2.1-or-later
// The enums and flags of properties, as GObject has to know them.
#pragma once

#include <gst/gst.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace anime
{

/// A value of a property that has a few, or of which several can be chosen.
template <typename Value>
struct Choice {
    Value value;
    const char *about;
    const char *nick; ///< what the user writes
};

/// GObject keeps what it is given; once a name.
GType register_enum_values(const char *name, const std::vector<GEnumValue> &values);
GType register_flags_values(const char *name, const std::vector<GFlagsValue> &values);

template <typename Value>
GType register_enum(const char *name, std::initializer_list<Choice<Value>> choices)
{
    std::vector<GEnumValue> values;
    for (const Choice<Value> &choice : choices)
        values.push_back({static_cast<gint>(choice.value), choice.about, choice.nick});
    return register_enum_values(name, values);
}

template <typename Value>
GType register_flags(const char *name, std::initializer_list<Choice<Value>> choices)
{
    std::vector<GFlagsValue> values;
    for (const Choice<Value> &choice : choices)
        values.push_back({static_cast<guint>(choice.value), choice.about, choice.nick});
    return register_flags_values(name, values);
}

std::string enum_nick(GType type, int value);
int enum_value(GType type, const std::string &nick);

} // namespace anime
