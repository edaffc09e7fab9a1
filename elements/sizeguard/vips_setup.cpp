// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/sizeguard/vips_setup.h"

#include <mutex>

#include <vips/vips.h>

namespace anime
{

bool set_up_vips()
{
    static std::once_flag once;
    static bool ready = false;
    std::call_once(once, [] {
        if (vips_init("gst-anime"))
            return;
        // These settings are the process's: an application that itself loads other formats with libvips must
        // unblock them after the first sizeguard has left the NULL state.
        vips_block_untrusted_set(TRUE);
        vips_operation_block_set("VipsForeignLoad", TRUE);
        vips_operation_block_set("VipsForeignLoadPng", FALSE);
        vips_operation_block_set("VipsForeignLoadWebp", FALSE);
        vips_cache_set_max(0);
        vips_concurrency_set(2);
        // Damaged images make libvips warn on stderr; what matters is in the Failure. To log it elsewhere
        // from inside a log handler would be fatal recursion.
        const auto quiet = [](const gchar *, GLogLevelFlags, const gchar *, gpointer) {};
        g_log_set_handler("VIPS", static_cast<GLogLevelFlags>(G_LOG_LEVEL_MASK | G_LOG_FLAG_RECURSION), quiet,
                          nullptr);
        ready = true;
    });
    return ready;
}

} // namespace anime
