// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/film/look.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

namespace anime
{

namespace
{

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// How long streams without a packet are waited for once the first picture is there.
constexpr auto grace = 500ms;

/// What the streaming threads find; shared with the pads' probes, which may outlive the look.
struct Found {
    std::mutex lock;
    struct Stream {
        FilmStream film;
        GstSegment segment;
        bool started = false;
    };
    std::vector<std::shared_ptr<Stream>> streams;
    bool all_known = false;
    gint64 duration = -1;
    CapsPtr decoded;
    std::string missing; ///< the caps that nothing decodes
};

using Shared = std::shared_ptr<Found>;

struct Probe {
    Shared found;
    std::shared_ptr<Found::Stream> stream;
};

template <typename Type>
void remove_data(gpointer data)
{
    delete static_cast<Type *>(data);
}

template <typename Type>
void remove_closure(gpointer data, GClosure *)
{
    delete static_cast<Type *>(data);
}

GstPadProbeReturn see(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    const auto &[found, stream] = *static_cast<Probe *>(data);
    // Asked here, because a short file is at its end before another thread could.
    gint64 duration = -1;
    if ((GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER) && !stream->started)
        gst_pad_query_duration(pad, GST_FORMAT_TIME, &duration);
    const std::lock_guard guard(found->lock);
    found->duration = std::max(found->duration, duration);
    if (!(GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER)) {
        GstEvent *event = GST_PAD_PROBE_INFO_EVENT(info);
        if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT && !stream->started)
            gst_event_copy_segment(event, &stream->segment);
        return GST_PAD_PROBE_OK;
    }
    found->all_known = true; // a parsebin adds all pads before it lets the first buffer through one
    const GstClockTime time = GST_BUFFER_PTS(GST_PAD_PROBE_INFO_BUFFER(info));
    if (!std::exchange(stream->started, true) && GST_CLOCK_TIME_IS_VALID(time) &&
        stream->segment.format == GST_FORMAT_TIME && time < stream->segment.start) {
        stream->film.priming = std::chrono::nanoseconds(stream->segment.start - time);
        stream->film.starts_at = stream->segment.start;
    }
    return GST_PAD_PROBE_OK;
}

GstPadProbeReturn see_picture(GstPad *pad, GstPadProbeInfo *, gpointer data)
{
    const Shared &found = *static_cast<Shared *>(data);
    const std::lock_guard guard(found->lock);
    if (!found->decoded)
        found->decoded.reset(gst_pad_get_current_caps(pad));
    return GST_PAD_PROBE_DROP;
}

void add_sink(GstElement *bin, GstPad *pad)
{
    GstElement *queue = gst_element_factory_make("queue", nullptr);
    GstElement *sink = gst_element_factory_make("fakesink", nullptr);
    g_object_set(queue, "max-size-buffers", 0U, "max-size-bytes", 0U, "max-size-time", guint64{0}, nullptr);
    g_object_set(sink, "sync", FALSE, "async", FALSE, nullptr);
    gst_bin_add_many(GST_BIN(bin), queue, sink, nullptr);
    gst_element_link(queue, sink);
    gst_element_sync_state_with_parent(sink);
    gst_element_sync_state_with_parent(queue);
    const PadPtr in(gst_element_get_static_pad(queue, "sink"));
    gst_pad_link(pad, in.get());
}

void picture_added(GstElement *, GstPad *pad, gpointer data)
{
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, see_picture, new Shared(*static_cast<Shared *>(data)),
                      remove_data<Shared>);
    const ElementPtr decoder(gst_pad_get_parent_element(pad));
    const ElementPtr bin(GST_ELEMENT(gst_element_get_parent(decoder.get())));
    add_sink(bin.get(), pad);
}

void picture_unknown(GstElement *, GstPad *, GstCaps *caps, gpointer data)
{
    const Shared &found = *static_cast<Shared *>(data);
    const StringPtr text(gst_caps_to_string(caps));
    const std::lock_guard guard(found->lock);
    found->missing = text.get();
}

void stream_added(GstElement *parsebin, GstPad *pad, gpointer data)
{
    const Shared &found = *static_cast<Shared *>(data);
    auto stream = std::make_shared<Found::Stream>();
    gst_segment_init(&stream->segment, GST_FORMAT_UNDEFINED);
    const CapsPtr caps = caps_of(pad);
    const StringPtr text(gst_caps_to_string(caps.get()));
    stream->film.id = id_of(pad);
    stream->film.caps = text.get();
    stream->film.kind = kind_of(stream->film.media_type());
    bool is_picture = false;
    {
        const std::lock_guard guard(found->lock);
        is_picture = stream->film.kind == StreamKind::video &&
                     std::ranges::none_of(
                         found->streams, [](const auto &one) { return one->film.kind == StreamKind::video; });
        found->streams.push_back(stream);
    }
    gst_pad_add_probe(
        pad, static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
        see, new Probe{found, stream}, remove_data<Probe>);
    const ElementPtr bin(GST_ELEMENT(gst_element_get_parent(parsebin)));
    if (!is_picture)
        return add_sink(bin.get(), pad);
    GstElement *decoder = gst_element_factory_make("decodebin", nullptr);
    g_signal_connect_data(decoder, "pad-added", G_CALLBACK(picture_added), new Shared(found),
                          remove_closure<Shared>, GConnectFlags(0));
    g_signal_connect_data(decoder, "unknown-type", G_CALLBACK(picture_unknown), new Shared(found),
                          remove_closure<Shared>, GConnectFlags(0));
    gst_bin_add(GST_BIN(bin.get()), decoder);
    gst_element_sync_state_with_parent(decoder);
    const PadPtr in(gst_element_get_static_pad(decoder, "sink"));
    gst_pad_link(pad, in.get());
}

[[noreturn]] void refuse(std::string code, std::string message, std::string remedy, std::string debug = {})
{
    RunFailure failure;
    failure.code = std::move(code);
    failure.message = std::move(message);
    failure.remedy = std::move(remedy);
    failure.debug = std::move(debug);
    throw PipelineError(failure);
}

/// Why the look ended before everything was seen.
[[noreturn]] void refuse(const std::string &path, const Found &found,
                         const std::optional<RunFailure> &failure)
{
    if (failure && (failure->code == "cancelled" || failure->code.starts_with("resource-")))
        throw PipelineError(*failure);
    if (!found.missing.empty())
        refuse("film-decoder-missing", "Nothing here decodes the film's picture, " + found.missing + ".",
               "Install the Debian packages gstreamer1.0-libav and gstreamer1.0-plugins-bad.");
    const auto count = [&](StreamKind kind) {
        return std::ranges::count_if(found.streams,
                                     [kind](const auto &stream) { return stream->film.kind == kind; });
    };
    if (count(StreamKind::video) == 0 && found.all_known) {
        const auto sounds = count(StreamKind::audio);
        const std::string only =
            sounds > 0 ? ", only sound (" + std::to_string(sounds) + (sounds > 1 ? " tracks)" : " track)")
                       : "";
        refuse("film-no-picture", "There is no moving picture in " + path + only + ".",
               "Name a film that has one.");
    }
    refuse("film-unreadable",
           "The file " + path + " can't be read as a film" +
               (failure ? ": " + failure->message : std::string(".")),
           "It is damaged, or of a kind that GStreamer has no reader for here; try to play it.",
           failure ? failure->debug : "");
}

/// Does any element under this bin still stream?
bool any_task_runs(GstElement *bin)
{
    bool running = false;
    GstIterator *elements = gst_bin_iterate_recurse(GST_BIN(bin));
    gst_iterator_foreach(
        elements,
        [](const GValue *value, gpointer data) {
            gst_element_foreach_pad(
                GST_ELEMENT(g_value_get_object(value)),
                [](GstElement *, GstPad *pad, gpointer flag) -> gboolean {
                    if (gst_pad_get_task_state(pad) == GST_TASK_STARTED)
                        *static_cast<bool *>(flag) = true;
                    return TRUE;
                },
                data);
        },
        &running);
    gst_iterator_free(elements);
    return running;
}

/// MP4 and Matroska write each packet's time down; others have it reckoned, from bytes or from what came
/// before.
bool has_exact_seeks(GstElement *parsebin)
{
    bool exact = false;
    GstIterator *elements = gst_bin_iterate_recurse(GST_BIN(parsebin));
    gst_iterator_foreach(
        elements,
        [](const GValue *value, gpointer data) {
            GstElementFactory *factory = gst_element_get_factory(GST_ELEMENT(g_value_get_object(value)));
            const std::string_view name = factory ? GST_OBJECT_NAME(factory) : "";
            if (name == "qtdemux" || name == "matroskademux")
                *static_cast<bool *>(data) = true;
        },
        &exact);
    gst_iterator_free(elements);
    return exact;
}

} // namespace

StreamKind kind_of(const std::string &media_type)
{
    if (media_type.starts_with("video/"))
        return StreamKind::video;
    if (media_type.starts_with("audio/"))
        return StreamKind::audio;
    if (media_type == "text/x-raw" || media_type.starts_with("subtitle/") ||
        media_type.starts_with("subpicture/") || media_type == "application/x-ass" ||
        media_type == "application/x-ssa" || media_type == "application/x-usf")
        return StreamKind::text;
    return StreamKind::other;
}

CapsPtr caps_of(GstPad *pad)
{
    CapsPtr caps(gst_pad_get_current_caps(pad));
    if (!caps) {
        GstStream *stream = gst_pad_get_stream(pad);
        if (stream) {
            caps.reset(gst_stream_get_caps(stream));
            gst_object_unref(stream);
        }
    }
    if (!caps)
        caps.reset(gst_pad_query_caps(pad, nullptr));
    return caps;
}

std::string id_of(GstPad *pad)
{
    const StringPtr id(gst_pad_get_stream_id(pad));
    return id ? id.get() : GST_PAD_NAME(pad);
}

void keep_subtitles_as_they_are(GstElement *parsebin)
{
    g_signal_connect(parsebin, "autoplug-continue",
                     G_CALLBACK(+[](GstElement *, GstPad *, GstCaps *caps, gpointer) -> gboolean {
                         const gchar *name = gst_structure_get_name(gst_caps_get_structure(caps, 0));
                         return kind_of(name) != StreamKind::text;
                     }),
                     nullptr);
}

FilmLook look_at_film(const std::string &path, const FilmLimits &limits)
{
    Pipeline pipeline({"look", "filesrc name=input ! parsebin name=streams"});
    pipeline.set("input", "location", path);
    const auto found = std::make_shared<Found>();
    const ElementPtr parsebin = pipeline.element("streams");
    keep_subtitles_as_they_are(parsebin.get());
    g_signal_connect_data(parsebin.get(), "pad-added", G_CALLBACK(stream_added), new Shared(found),
                          remove_closure<Shared>, GConnectFlags(0));

    const ElementPtr bin(GST_ELEMENT(gst_element_get_parent(parsebin.get())));
    FilmLook look;
    std::optional<Clock::time_point> silent;
    std::optional<Clock::time_point> seen;
    RunFailure enough;
    enough.code = "seen";
    RunLimits run_limits;
    run_limits.cancel = limits.cancel;
    run_limits.deadline = Clock::now() + limits.stall;
    run_limits.watch = [&](bool) -> std::optional<RunFailure> {
        if (!look.seeks_exactly)
            look.seeks_exactly = has_exact_seeks(parsebin.get());
        const std::lock_guard guard(found->lock);
        if (found->all_known && !found->missing.empty())
            return enough;
        if (!found->all_known) {
            // A parsebin keeps the error of a demuxer that fails while it is being plugged in to itself; then
            // nothing streams any more, and nobody says so.
            if (any_task_runs(bin.get()))
                silent.reset();
            else if (!silent)
                silent = Clock::now();
            return silent && Clock::now() - *silent > grace ? std::optional(enough) : std::nullopt;
        }
        const bool started = std::ranges::all_of(found->streams, [](const auto &stream) {
            return stream->started || stream->film.kind != StreamKind::audio;
        });
        const bool no_picture = std::ranges::none_of(
            found->streams, [](const auto &stream) { return stream->film.kind == StreamKind::video; });
        if (!no_picture && !found->decoded)
            return std::nullopt;
        if (!seen)
            seen = Clock::now();
        if (!started && Clock::now() - *seen < grace)
            return std::nullopt;
        return enough;
    };
    std::optional<RunFailure> failure = pipeline.run(run_limits).failure;
    if (failure && failure->code == "seen")
        failure.reset();
    const std::lock_guard guard(found->lock);
    if (failure && failure->code == "deadline")
        refuse("film-stalled",
               "Nothing came out of " + path + " for " +
                   std::to_string(std::chrono::duration_cast<std::chrono::seconds>(limits.stall).count()) +
                   " s.",
               "It is damaged, or the disk is very slow: --stall-after allows more.");
    if (!found->decoded)
        refuse(path, *found, failure);
    for (const auto &stream : found->streams) {
        if (stream->film.kind == StreamKind::video &&
            std::ranges::none_of(look.streams,
                                 [](const FilmStream &one) { return one.kind == StreamKind::video; }))
            look.picture = look.streams.size();
        look.streams.push_back(stream->film);
    }
    look.decoded = std::move(found->decoded);
    look.duration = std::chrono::nanoseconds(found->duration);
    return look;
}

} // namespace anime
