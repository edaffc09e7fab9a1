// SPDX-License-Identifier: LGPL-2.1-or-later
// A player whose picture is painted: its style and strength change while it plays, what the painter measures
// and what comes too late is read from the bus, and one painted frame is pulled out of the pipeline into a
// file.
//
// c++ -std=c++20 player.cpp -o player $(pkg-config --cflags --libs gstreamer-app-1.0 gstreamer-video-1.0)
//
// usage: player [SECONDS [FRAME.ppm [STYLE]]]
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/video/video.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>

/// Any source serves: uridecodebin uri=…, v4l2src. The queue before the painter drops what it has no time
/// for, the one behind it lets it begin the next frame while the last is shown. A tee hands each painted
/// frame to both sinks.
static const char *const line = R"(
    videotestsrc is-live=true pattern=ball ! video/x-raw,width=640,height=360,framerate=30/1 ! videoconvert !
    queue leaky=downstream max-size-buffers=1 ! animeganfilter name=paint message-interval=500000000 !
    queue max-size-buffers=2 ! videoconvert ! tee name=painted
    painted. ! queue ! autovideosink
    painted. ! queue leaky=downstream max-size-buffers=1 ! videoconvert ! video/x-raw,format=RGB !
    appsink name=frames max-buffers=1 drop=true sync=false)";

static void save(GstSample *sample, const char *path)
{
    GstVideoInfo info;
    GstVideoFrame frame;
    if (!gst_video_info_from_caps(&info, gst_sample_get_caps(sample)) ||
        !gst_video_frame_map(&frame, &info, gst_sample_get_buffer(sample), GST_MAP_READ))
        return;
    std::ofstream file(path, std::ios::binary);
    file << "P6 " << info.width << ' ' << info.height << " 255\n";
    for (int y = 0; y < info.height; ++y) // a row may be longer than its pixels
        file.write(static_cast<const char *>(GST_VIDEO_FRAME_PLANE_DATA(&frame, 0)) +
                       y * GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0),
                   3 * info.width);
    gst_video_frame_unmap(&frame);
}

/// Prints a message; false if it ends the stream.
static bool read(GstMessage *message)
{
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
        g_autoptr(GError) error = nullptr;
        const GstStructure *details = nullptr;
        gst_message_parse_error(message, &error, nullptr);
        gst_message_parse_error_details(message, &details);
        const char *code = details ? gst_structure_get_string(details, "code") : nullptr;
        gst_printerrln("%s [%s]", error->message, code ? code : "no code");
        return false;
    }
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_QOS) {
        guint64 processed = 0, dropped = 0;
        gst_message_parse_qos_stats(message, nullptr, &processed, &dropped);
        gst_println("%s was late: %" G_GUINT64_FORMAT " frames, %" G_GUINT64_FORMAT " dropped",
                    GST_MESSAGE_SRC_NAME(message), processed, dropped);
    } else if (gst_message_has_name(message, "animeganfilter")) {
        gst_println("%" GST_PTR_FORMAT, static_cast<const void *>(gst_message_get_structure(message)));
    }
    return GST_MESSAGE_TYPE(message) != GST_MESSAGE_EOS;
}

int main(int argc, char **argv)
{
    g_setenv("OMP_WAIT_POLICY", "passive", FALSE); // the threads that paint shall not spin while they wait
    gst_init(&argc, &argv);
    const double seconds = argc > 1 ? std::atof(argv[1]) : 10;
    g_autoptr(GError) error = nullptr;
    g_autoptr(GstElement) pipeline =
        gst_parse_launch_full(line, nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &error);
    if (!pipeline)
        return std::fprintf(stderr, "%s\n", error->message), 1;
    g_autoptr(GstElement) paint = gst_bin_get_by_name(GST_BIN(pipeline), "paint");
    g_autoptr(GstElement) frames = gst_bin_get_by_name(GST_BIN(pipeline), "frames");
    g_autoptr(GstBus) bus = gst_element_get_bus(pipeline);
    gst_element_set_state(pipeline, GST_STATE_PLAYING);

    bool goes_on = true;
    const gint64 start = g_get_monotonic_time();
    for (double t = 0; goes_on && t < seconds; t = (g_get_monotonic_time() - start) / 1e6) {
        g_object_set(paint, "strength", 0.5 - 0.5 * std::cos(t), nullptr);
        if (argc > 3 && t >= seconds / 2)
            g_object_set(paint, "model", argv[3], nullptr); // the next frame is painted with it
        if (g_autoptr(GstMessage) message = gst_bus_timed_pop(bus, 50 * GST_MSECOND))
            goes_on = read(message);
    }
    g_autoptr(GstSample) sample = gst_app_sink_try_pull_sample(GST_APP_SINK(frames), GST_SECOND);
    if (sample)
        save(sample, argc > 2 ? argv[2] : "frame.ppm");
    gst_element_set_state(pipeline, GST_STATE_NULL);
    return sample && goes_on ? 0 : 1;
}
