// SPDX-License-Identifier: LGPL-2.1-or-later
// What the user set on an element.
#pragma once

#include "elements/common/property_table.h"

#include <gst/gst.h>

#include <mutex>

namespace anime
{

/// The members that a table of properties names, behind a lock of their own: set from any thread, copied by
/// the streaming thread once a frame. The lock is never held together with another.
template <typename Settings>
class GuardedSettings
{
public:
    explicit GuardedSettings(const PropertyTable<Settings> &table) : table_(table) {}

    Settings copy() const
    {
        const std::lock_guard guard(lock_);
        return settings_;
    }
    /// As GObject asks for it; false for an id that is no property.
    bool set(guint id, const GValue *value)
    {
        const std::lock_guard guard(lock_);
        return table_.set(settings_, id, value);
    }
    /// `stats` makes the structure of that property.
    template <typename Stats>
    bool get(guint id, GValue *value, Stats stats) const
    {
        if (id != table_.stats_id())
            return table_.get(copy(), id, value);
        g_value_take_boxed(value, stats());
        return true;
    }

private:
    const PropertyTable<Settings> &table_;
    mutable std::mutex lock_;
    Settings settings_;
};

} // namespace anime
