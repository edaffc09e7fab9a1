// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/film/journal_source.h"

#include <gst/app/app.h>

#include <new>

namespace anime
{

namespace
{

/// So much is added to times on their way into the muxer and taken off again by their segment: an encoder
/// that reorders begins decoding before 0, where there are no times. GStreamer's own encoders do the same.
constexpr std::int64_t headroom = 1000 * 3600 * std::int64_t{GST_SECOND};

/// What feeds the painted pictures into the muxer, one when it asks for one.
struct Feed {
    std::shared_ptr<Journal> journal;
    std::function<void()> on_picture;
    CapsPtr caps = {};
    GstSegment segment = {};
};

void push(GstAppSrc *source, Feed &pictures, CodedPicture picture)
{
    const auto time = [](std::int64_t one) {
        return one == CodedPicture::no_time ? GST_CLOCK_TIME_NONE : static_cast<GstClockTime>(one + headroom);
    };
    GstBuffer *buffer = picture.data.get();
    GST_BUFFER_PTS(buffer) = time(picture.shown_at);
    GST_BUFFER_DTS(buffer) = time(picture.decoded_at);
    GST_BUFFER_DURATION(buffer) = static_cast<GstClockTime>(picture.duration);
    if (!picture.begins)
        GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
    if (picture.caps)
        pictures.caps = std::move(picture.caps);
    const SamplePtr sample(gst_sample_new(buffer, pictures.caps.get(), &pictures.segment, nullptr));
    gst_app_src_push_sample(source, sample.get());
    pictures.on_picture();
}

void feed(GstAppSrc *source, guint, gpointer data)
{
    auto &pictures = *static_cast<Feed *>(data);
    try {
        CodedPicture picture = pictures.journal->read();
        if (picture.data)
            push(source, pictures, std::move(picture));
        else
            gst_app_src_end_of_stream(source);
    } catch (const std::bad_alloc &) {
        GST_ELEMENT_ERROR_WITH_DETAILS(source, RESOURCE, NO_SPACE_LEFT,
                                       ("There is no memory for a painted picture."), (nullptr),
                                       ("code", G_TYPE_STRING, "out-of-memory", nullptr));
    }
}

} // namespace

GstElement *journal_source(const std::shared_ptr<Journal> &journal, std::function<void()> on_picture)
{
    journal->rewind();
    GstElement *source = gst_element_factory_make("appsrc", nullptr);
    g_object_set(source, "format", GST_FORMAT_TIME, "handle-segment-change", TRUE, nullptr);
    auto *pictures = new Feed{journal, std::move(on_picture)};
    gst_segment_init(&pictures->segment, GST_FORMAT_TIME);
    pictures->segment.start = pictures->segment.position = static_cast<guint64>(headroom);
    GstAppSrcCallbacks callbacks = {};
    callbacks.need_data = feed;
    gst_app_src_set_callbacks(GST_APP_SRC(source), &callbacks, pictures,
                              [](gpointer one) { delete static_cast<Feed *>(one); });
    return source;
}

} // namespace anime
