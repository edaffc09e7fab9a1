/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Paints a photo from C.
 * cc animate.c -o animate $(pkg-config --cflags --libs gstreamer-1.0)
 * usage: animate PHOTO OUTPUT.png, with GST_PLUGIN_PATH naming build/plugins/anime
 */
#include <gst/gst.h>

static void set_location(GstElement *pipeline, const char *name, const char *location)
{
    GstElement *element = gst_bin_get_by_name(GST_BIN(pipeline), name);
    g_object_set(element, "location", location, NULL);
    gst_object_unref(element);
}

int main(int argc, char **argv)
{
    gst_init(&argc, &argv);
    if (argc != 3) {
        g_printerr("usage: %s PHOTO OUTPUT.png\n", argv[0]);
        return 2;
    }

    GError *error = NULL;
    GstElement *pipeline =
        gst_parse_launch_full("filesrc name=input ! sizeguard ! facepaint mode=overlay ! "
                              "animeganfilter name=paint qos=false ! pngenc ! filesink name=output",
                              NULL, GST_PARSE_FLAG_FATAL_ERRORS, &error);
    if (!pipeline) {
        g_printerr("%s\n", error->message);
        g_error_free(error);
        return 1;
    }
    set_location(pipeline, "input", argv[1]);
    set_location(pipeline, "output", argv[2]);

    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    GstBus *bus = gst_element_get_bus(pipeline);
    GstMessage *message =
        gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
    gboolean failed = GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR;
    if (failed) {
        const GstStructure *details = NULL;
        gst_message_parse_error(message, &error, NULL);
        gst_message_parse_error_details(message, &details);
        const gchar *code = details ? gst_structure_get_string(details, "code") : NULL;
        g_printerr("%s: %s [%s]\n", argv[1], error->message, code ? code : "no code");
        g_error_free(error);
    }
    gst_message_unref(message);
    gst_object_unref(bus);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
    return failed ? 1 : 0;
}
