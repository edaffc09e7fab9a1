// SPDX-License-Identifier: LGPL-2.1-or-later
// The properties of sizeguard: what the user may set, and how GObject sees it.
#pragma once

#include "elements/common/property_table.h"
#include "elements/sizeguard/image_limits.h"

#include <gst/gst.h>

namespace anime
{

/// What the user asked for.
struct SizeguardSettings {
    Limits limits;
    GstClockTime message_interval = 0;
    bool qos = true;
};

/// All but `stats`.
const PropertyTable<SizeguardSettings> &sizeguard_properties();

} // namespace anime
