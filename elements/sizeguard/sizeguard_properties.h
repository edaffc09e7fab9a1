// SPDX-License-Identifier: LGPL-2.1-or-later
// The properties of sizeguard: what the user set, and how GObject shows it.
#pragma once

#include "elements/sizeguard/image_limits.h"

#include <gst/gst.h>

namespace anime
{

enum { PROP_SIZEGUARD_STATS = 1 }; ///< the element answers this one, the functions below all others

struct SizeguardSettings {
    Limits limits;
    GstClockTime message_interval = 0;
    bool qos = true;
};

void install_sizeguard_properties(GObjectClass *object_class);
/// False: no such property.
bool set_sizeguard_property(SizeguardSettings &settings, guint id, const GValue *value);
bool get_sizeguard_property(const SizeguardSettings &settings, guint id, GValue *value);

} // namespace anime
