// SPDX-License-Identifier: LGPL-2.1-or-later
// An element's properties, each described once: the description installs it, sets it and reads it.
#pragma once

#include "elements/common/choices.h"

#include <gst/gst.h>

#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace anime
{

/// Until when a property may change. Strings of properties have to stay.
constexpr int property_flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
constexpr auto mutable_ready = static_cast<GParamFlags>(property_flags | GST_PARAM_MUTABLE_READY);
constexpr auto mutable_playing = static_cast<GParamFlags>(property_flags | GST_PARAM_MUTABLE_PLAYING);
/// Also by a control source, following stream time.
constexpr auto controllable =
    static_cast<GParamFlags>(property_flags | GST_PARAM_MUTABLE_PLAYING | GST_PARAM_CONTROLLABLE);

/// What g_object_class_install_property() wants to know of one.
struct PropertyText {
    const char *name;
    const char *nick;
    const char *about; ///< with units, and what the special values mean
    GParamFlags flags;
};

void install_stats(GObjectClass *object_class, guint id, const char *about);

template <typename Settings>
class PropertyTable
{
public:
    /// `access` returns the member of `Settings &` (and of `const Settings &`) that the property is: int,
    /// unsigned, std::uint64_t or double. The default is that of new settings.
    template <typename Access, typename Number>
    void add_number(const PropertyText &text, Number least, Number most, Access access)
    {
        const Settings defaults{};
        const Number otherwise = access(defaults);
        if constexpr (std::same_as<Number, int>)
            add(g_param_spec_int(text.name, text.nick, text.about, least, most, otherwise, text.flags),
                access, g_value_get_int, g_value_set_int);
        else if constexpr (std::same_as<Number, unsigned>)
            add(g_param_spec_uint(text.name, text.nick, text.about, least, most, otherwise, text.flags),
                access, g_value_get_uint, g_value_set_uint);
        else if constexpr (std::same_as<Number, double>)
            add(g_param_spec_double(text.name, text.nick, text.about, least, most, otherwise, text.flags),
                access, g_value_get_double, g_value_set_double);
        else
            add(g_param_spec_uint64(text.name, text.nick, text.about, least, most, otherwise, text.flags),
                access, g_value_get_uint64, g_value_set_uint64);
    }

    template <typename Access>
    void add_boolean(const PropertyText &text, Access access)
    {
        const Settings defaults{};
        add(g_param_spec_boolean(text.name, text.nick, text.about, access(defaults), text.flags), access,
            g_value_get_boolean, g_value_set_boolean);
    }

    /// No string at all is the default.
    template <typename Access>
    void add_text(const PropertyText &text, Access access)
    {
        const Settings defaults{};
        const std::string otherwise = access(defaults);
        rows_.push_back({g_param_spec_string(text.name, text.nick, text.about, otherwise.c_str(), text.flags),
                         [access, otherwise](Settings &settings, const GValue *value) {
                             const gchar *string = g_value_get_string(value);
                             access(settings) = string ? string : otherwise;
                         },
                         [access](const Settings &settings, GValue *value) {
                             g_value_set_string(value, access(settings).c_str());
                         }});
    }

    /// Any of the values of registered flags; the member is unsigned.
    template <typename Access>
    void add_flags(const PropertyText &text, GType type, Access access)
    {
        const Settings defaults{};
        add(g_param_spec_flags(text.name, text.nick, text.about, type, access(defaults), text.flags), access,
            g_value_get_flags, g_value_set_flags);
    }

    /// One of the values of a registered enum; the member is an enum with the same numbers, a boolean for
    /// two, or a string: the nick.
    template <typename Access>
    void add_choice(const PropertyText &text, GType type, Access access)
    {
        using Member = std::remove_cvref_t<decltype(access(std::declval<Settings &>()))>;
        const auto number = [access, type](const Settings &settings) {
            if constexpr (std::same_as<Member, std::string>)
                return enum_value(type, access(settings));
            else
                return static_cast<int>(access(settings));
        };
        rows_.push_back(
            {g_param_spec_enum(text.name, text.nick, text.about, type, number(Settings{}), text.flags),
             [access, type](Settings &settings, const GValue *value) {
                 if constexpr (std::same_as<Member, std::string>)
                     access(settings) = enum_nick(type, g_value_get_enum(value));
                 else
                     access(settings) = static_cast<Member>(g_value_get_enum(value));
             },
             [number](const Settings &settings, GValue *value) {
                 g_value_set_enum(value, number(settings));
             }});
    }

    /// A property of another kind: one that has no `get` can't be read.
    void add_other(GParamSpec *spec, std::function<void(Settings &, const GValue *)> set,
                   std::function<void(const Settings &, GValue *)> get)
    {
        rows_.push_back({spec, std::move(set), std::move(get)});
    }

    /// Installs them with ids from 1 up, and behind them the read-only property `stats`, which the element
    /// answers itself; once, in class_init.
    void install(GObjectClass *object_class, const char *about_stats) const
    {
        for (std::size_t i = 0; i < rows_.size(); ++i)
            g_object_class_install_property(object_class, static_cast<guint>(i + 1), rows_[i].spec);
        install_stats(object_class, stats_id(), about_stats);
    }
    guint stats_id() const { return static_cast<guint>(rows_.size() + 1); }

    /// False for an id that is none of them.
    bool set(Settings &settings, guint id, const GValue *value) const
    {
        const Row *row = find(id);
        if (row)
            row->set(settings, value);
        return row;
    }
    bool get(const Settings &settings, guint id, GValue *value) const
    {
        const Row *row = find(id);
        if (row && row->get)
            row->get(settings, value);
        return row && row->get;
    }

private:
    struct Row {
        GParamSpec *spec; ///< the class's, from install() on
        std::function<void(Settings &, const GValue *)> set;
        std::function<void(const Settings &, GValue *)> get;
    };

    template <typename Access, typename Get, typename Set>
    void add(GParamSpec *spec, Access access, Get get, Set set)
    {
        using Member = std::remove_cvref_t<decltype(access(std::declval<Settings &>()))>;
        rows_.push_back(
            {spec,
             [access, get](Settings &settings, const GValue *value) {
                 access(settings) = static_cast<Member>(get(value));
             },
             [access, set](const Settings &settings, GValue *value) { set(value, access(settings)); }});
    }

    const Row *find(guint id) const { return id >= 1 && id <= rows_.size() ? &rows_[id - 1] : nullptr; }

    std::vector<Row> rows_;
};

/// The property that every element has.
template <typename Settings>
void add_message_interval(PropertyTable<Settings> &table)
{
    table.add_number(
        {"message-interval", "Message interval",
         "Least running time in nanoseconds between two messages (0: one per frame)", mutable_playing},
        std::uint64_t{0}, G_MAXUINT64, [](auto &settings) -> auto & { return settings.message_interval; });
}

} // namespace anime
