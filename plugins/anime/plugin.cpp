// SPDX-License-Identifier: LGPL-2.1-or-later
// The plugin "anime": registers the elements, one line each.
#include "elements/animeganfilter/gstanimeganfilter.h"
#include "elements/facepaint/gstfacepaint.h"
#include "elements/sizeguard/gstsizeguard.h"

#include <gst/gst.h>

static gboolean plugin_init(GstPlugin *plugin)
{
    gboolean registered = TRUE;
    registered &= GST_ELEMENT_REGISTER(sizeguard, plugin);
    registered &= GST_ELEMENT_REGISTER(facepaint, plugin);
    registered &= GST_ELEMENT_REGISTER(animeganfilter, plugin);
    return registered;
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, anime, "Turns photos and video into anime",
                  plugin_init, ANIME_VERSION, "LGPL", "gst-anime", "https://gst-anime.example/")
