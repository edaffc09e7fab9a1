// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/film/scan.h"

#include "pipelines/film/probe.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

namespace anime
{

namespace
{

/// What the streaming threads find.
struct Reading {
    std::mutex lock;
    std::set<std::string> ids; ///< of the subtitles to keep
    FilmScan scan;
    std::atomic<std::uint64_t> packets = 0; ///< of all streams: as long as they come, it is no stall
};

using SharedReading = std::shared_ptr<Reading>;

struct Track {
    SharedReading reading;
    std::string id;
    std::optional<std::size_t> subtitles; ///< index of the track to keep
    bool counts;                          ///< the film is not over before it is
    GstSegment segment;
    GstClockTime latest = GST_CLOCK_TIME_NONE;
};

void keep_tags_of(GstEvent *event, SubtitleTrack &track)
{
    GstTagList *tags = nullptr;
    gst_event_parse_tag(event, &tags);
    for (const char *name : {GST_TAG_LANGUAGE_CODE, GST_TAG_TITLE}) {
        gchar *value = nullptr;
        if (gst_tag_list_get_scope(tags) != GST_TAG_SCOPE_STREAM ||
            !gst_tag_list_get_string(tags, name, &value))
            continue;
        const StringPtr owned(value);
        const StringPtr escaped(g_strescape(value, nullptr));
        if (track.tags.find(name) != std::string::npos)
            continue;
        if (!track.tags.empty())
            track.tags += ',';
        track.tags.append(name).append("=\"").append(escaped.get()).append("\"");
    }
}

void keep_film_tags(GstEvent *event, FilmScan &scan)
{
    GstTagList *tags = nullptr;
    gst_event_parse_tag(event, &tags);
    if (gst_tag_list_get_scope(tags) == GST_TAG_SCOPE_GLOBAL)
        scan.tags.reset(gst_tag_list_merge(scan.tags.get(), tags, GST_TAG_MERGE_KEEP));
}

void keep(const Track &track, GstPad *pad, GstBuffer *packet, GstClockTime time)
{
    SubtitleTrack &kept = track.reading->scan.subtitles[*track.subtitles];
    kept.caps.reset(gst_pad_get_current_caps(pad));
    GstBuffer *buffer = gst_buffer_copy(packet);
    GST_BUFFER_PTS(buffer) = time;
    GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
    kept.buffers.emplace_back(buffer);
}

GstPadProbeReturn collect(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    auto &track = *static_cast<Track *>(data);
    const std::lock_guard guard(track.reading->lock);
    if (!(GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER)) {
        GstEvent *event = GST_PAD_PROBE_INFO_EVENT(info);
        if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT)
            gst_event_copy_segment(event, &track.segment);
        else if (GST_EVENT_TYPE(event) == GST_EVENT_TAG)
            keep_film_tags(event, track.reading->scan);
        if (GST_EVENT_TYPE(event) == GST_EVENT_TAG && track.subtitles)
            keep_tags_of(event, track.reading->scan.subtitles[*track.subtitles]);
        return GST_PAD_PROBE_OK;
    }
    ++track.reading->packets;
    StreamScan &stream = track.reading->scan.streams[track.id];
    ++stream.packets;
    GstBuffer *packet = GST_PAD_PROBE_INFO_BUFFER(info);
    const GstClockTime time =
        gst_segment_to_running_time(&track.segment, GST_FORMAT_TIME, GST_BUFFER_PTS(packet));
    if (track.subtitles)
        keep(track, pad, packet, time);
    if (!GST_CLOCK_TIME_IS_VALID(time))
        return GST_PAD_PROBE_OK;
    const GstClockTime duration = GST_BUFFER_DURATION_IS_VALID(packet) ? GST_BUFFER_DURATION(packet) : 0;
    if (track.counts)
        track.reading->scan.end =
            std::max(track.reading->scan.end, std::chrono::nanoseconds(time + duration));
    const GstClockTime before = GST_CLOCK_TIME_IS_VALID(track.latest) ? track.latest : 0;
    if (time > before) {
        stream.longest_gap = std::max(stream.longest_gap, std::chrono::nanoseconds(time - before));
        track.latest = time;
    }
    return GST_PAD_PROBE_OK;
}

void stream_added(GstElement *parsebin, GstPad *pad, gpointer data)
{
    const SharedReading &reading = *static_cast<SharedReading *>(data);
    const CapsPtr caps = caps_of(pad);
    const StreamKind kind = kind_of(gst_structure_get_name(gst_caps_get_structure(caps.get(), 0)));
    auto *track = new Track{
        reading, id_of(pad), std::nullopt, kind == StreamKind::video || kind == StreamKind::audio, {}};
    gst_segment_init(&track->segment, GST_FORMAT_TIME);
    {
        const std::lock_guard guard(reading->lock);
        reading->scan.streams[track->id] = {};
        if (reading->ids.contains(track->id)) {
            track->subtitles = reading->scan.subtitles.size();
            reading->scan.subtitles.emplace_back().id = track->id;
            track->counts = true;
        }
    }
    gst_pad_add_probe(
        pad, static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
        collect, track, [](gpointer one) { delete static_cast<Track *>(one); });
    const ElementPtr bin(GST_ELEMENT(gst_element_get_parent(parsebin)));
    drain(GST_BIN(bin.get()), pad);
}

} // namespace

void keep_tags(const Pipeline &pipeline, const FilmScan &scan)
{
    const ElementPtr muxer = pipeline.element("mux");
    if (scan.tags && GST_IS_TAG_SETTER(muxer.get()))
        gst_tag_setter_merge_tags(GST_TAG_SETTER(muxer.get()), scan.tags.get(), GST_TAG_MERGE_KEEP);
}

FilmScan scan_film(const std::string &path, const std::set<std::string> &subtitles, const FilmLimits &limits)
{
    Pipeline pipeline({"scan", "filesrc name=input ! parsebin name=streams"});
    pipeline.set("input", "location", path);
    const auto reading = std::make_shared<Reading>();
    reading->ids = subtitles;
    const ElementPtr parsebin = pipeline.element("streams");
    keep_subtitles_as_they_are(parsebin.get());
    g_signal_connect_data(
        parsebin.get(), "pad-added", G_CALLBACK(stream_added), new SharedReading(reading),
        [](gpointer one, GClosure *) { delete static_cast<SharedReading *>(one); }, GConnectFlags(0));
    RunLimits run_limits;
    run_limits.cancel = limits.cancel;
    auto moved = std::chrono::steady_clock::now();
    run_limits.watch = [&, seen = std::uint64_t{0}](bool) mutable -> std::optional<RunFailure> {
        const auto now = std::chrono::steady_clock::now();
        const std::uint64_t packets = reading->packets;
        if (std::exchange(seen, packets) != packets)
            moved = now;
        if (now - moved < limits.stall)
            return std::nullopt;
        RunFailure failure;
        failure.code = "film-stalled";
        failure.message = "Reading " + path + " stopped after " + std::to_string(packets) + " packets.";
        failure.remedy = "It is damaged, or the disk is very slow: --stall-after allows more.";
        return failure;
    };
    // Where the file breaks off is for the film itself to say.
    const RunResult result = pipeline.run(run_limits);
    if (result.failure && (result.failure->code == "cancelled" || result.failure->code == "film-stalled"))
        throw PipelineError(*result.failure);
    const std::lock_guard guard(reading->lock);
    return std::move(reading->scan);
}

} // namespace anime
