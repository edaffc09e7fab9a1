// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/common/property_table.h"

namespace anime
{

void install_stats(GObjectClass *object_class, guint id, const char *about)
{
    g_object_class_install_property(
        object_class, id,
        g_param_spec_boxed("stats", "Statistics", about, GST_TYPE_STRUCTURE,
                           static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
}

} // namespace anime
