// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/film/film.h"

#include "pipelines/film/edit_list.h"
#include "pipelines/film/encoder.h"
#include "pipelines/film/picture.h"
#include "pipelines/film/scan.h"
#include "pipelines/film/sound.h"
#include "pipelines/film/subtitles.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>
#include <map>
#include <set>
#include <sstream>

namespace anime
{

namespace
{

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

/// More than headers round, and less than anybody would miss.
constexpr nanoseconds end_tolerance = 250ms;

RunFailure problem(std::string code, std::string message, std::string remedy = {})
{
    RunFailure failure;
    failure.code = std::move(code);
    failure.message = std::move(message);
    failure.remedy = std::move(remedy);
    return failure;
}

std::string seconds(nanoseconds time)
{
    char text[32];
    std::snprintf(text, sizeof text, "%.2f s", std::chrono::duration<double>(time).count());
    return text;
}

/// What the pad-added callback of the parsebin needs; its signal owns it.
struct Links {
    FilmLook look;
    std::vector<Route> routes; ///< one for each of look.streams
    nanoseconds latest_priming{0};
    bool edit_lists = false;
    SharedCounts counts;
    FilmScan scan;
};

/// Lets the packets before a track's beginning through, at the price of a shift by their duration.
struct Priming {
    GstClockTime starts_at;
    GstClockTime before;
};

GstPadProbeReturn start_earlier(GstPad *, GstPadProbeInfo *info, gpointer data)
{
    const auto &[starts_at, before] = *static_cast<Priming *>(data);
    GstEvent *event = GST_PAD_PROBE_INFO_EVENT(info);
    if (GST_EVENT_TYPE(event) != GST_EVENT_SEGMENT)
        return GST_PAD_PROBE_OK;
    GstSegment segment;
    gst_event_copy_segment(event, &segment);
    if (segment.start != starts_at)
        return GST_PAD_PROBE_OK;
    segment.start -= before;
    segment.position = segment.start;
    GstEvent *earlier = gst_event_new_segment(&segment);
    gst_event_set_seqnum(earlier, gst_event_get_seqnum(event));
    GST_PAD_PROBE_INFO_DATA(info) = earlier;
    gst_event_unref(event);
    return GST_PAD_PROBE_OK;
}

void stream_added(GstElement *parsebin, GstPad *pad, gpointer data)
{
    const Links &links = *static_cast<Links *>(data);
    const ElementPtr pipeline(GST_ELEMENT(gst_element_get_parent(parsebin)));
    const ElementPtr picture(gst_bin_get_by_name(GST_BIN(pipeline.get()), "picture"));
    const ElementPtr muxer(gst_bin_get_by_name(GST_BIN(pipeline.get()), "mux"));
    const std::string id = id_of(pad);
    const auto &streams = links.look.streams;
    const auto stream = std::ranges::find(streams, id, &FilmStream::id);
    if (stream == streams.end() || !links.scan.streams.contains(id))
        return; // came up after the look; what can't be known before isn't in the film
    const auto index = static_cast<std::size_t>(stream - streams.begin());
    if (index == links.look.picture)
        return link_picture(picture.get(), pad, links.counts);
    const Route &route = links.routes[index];
    if (stream->kind != StreamKind::audio || route.way == Way::left_out)
        return; // subtitles are in the muxer already
    watch_stream(pad, links.scan.streams.at(id).packets, links.counts);
    const nanoseconds priming = route.way == Way::copied ? stream->priming : 0ns;
    if (priming.count() > 0)
        gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, start_earlier,
                          new Priming{stream->starts_at, static_cast<GstClockTime>(priming.count())},
                          [](gpointer one) { delete static_cast<Priming *>(one); });
    const PadPtr to = link_stream(GST_BIN(pipeline.get()), pad, route, muxer.get());
    if (to && !links.edit_lists)
        gst_pad_set_offset(to.get(), (links.latest_priming - priming).count());
}

/// Which subtitles go into the muxer, by the id of their stream.
std::map<std::string, Route> subtitle_routes(const Links &links)
{
    std::map<std::string, Route> routes;
    for (std::size_t i = 0; i < links.routes.size(); ++i)
        if (links.look.streams[i].kind == StreamKind::text && links.routes[i].way != Way::left_out)
            routes[links.look.streams[i].id] = links.routes[i];
    return routes;
}

/// Requests the muxer's pads for the subtitles and fills them.
void place_subtitles(const Pipeline &pipeline, Links &links)
{
    std::map<std::string, Route> routes = subtitle_routes(links);
    const ElementPtr muxer = pipeline.element("mux");
    const ElementPtr bin(GST_ELEMENT(gst_element_get_parent(muxer.get())));
    for (SubtitleTrack &track : links.scan.subtitles) {
        if (track.buffers.empty())
            continue;
        const Route &route = routes[track.id];
        if (route.way == Way::unmarked)
            unmark(track, route.keep_tags);
        add_subtitles(GST_BIN(bin.get()), track, muxer.get(), route.pad,
                      links.edit_lists ? nanoseconds(0) : links.latest_priming);
        nanoseconds end(GST_BUFFER_PTS(track.buffers.back().get()));
        if (GST_BUFFER_DURATION_IS_VALID(track.buffers.back().get()))
            end += nanoseconds(GST_BUFFER_DURATION(track.buffers.back().get()));
        links.counts->read_to = std::max<std::int64_t>(links.counts->read_to, end.count());
    }
}

/// Lets the demuxer run as far ahead of the picture as the longest gap in the sound is.
void widen_queue(const Pipeline &pipeline, const Links &links)
{
    nanoseconds longest{0};
    for (const FilmStream &stream : links.look.streams) {
        const auto found = links.scan.streams.find(stream.id);
        if (found != links.scan.streams.end() && stream.kind == StreamKind::audio)
            longest = std::max(longest, found->second.longest_gap);
    }
    const ElementPtr queue = pipeline.element("picture");
    guint64 allowed = 0;
    g_object_get(queue.get(), "max-size-time", &allowed, nullptr);
    const auto needed = static_cast<guint64>(nanoseconds(longest + 2s).count());
    if (allowed > 0 && needed > allowed)
        g_object_set(queue.get(), "max-size-time", needed, "max-size-bytes", 0U, nullptr);
}

PadPtr link_coded(const Pipeline &pipeline)
{
    const ElementPtr coded = pipeline.element("coded");
    const ElementPtr muxer = pipeline.element("mux");
    const PadPtr source(gst_element_get_static_pad(coded.get(), "src"));
    PadPtr sink(gst_element_request_pad_simple(muxer.get(), "video_%u"));
    if (!sink || gst_pad_link(source.get(), sink.get()) != GST_PAD_LINK_OK)
        throw PipelineError(problem("description-invalid",
                                    "The element \"coded\" can't be linked to \"mux\".",
                                    "docs/films.md says what a film's description has."));
    return sink;
}

void add_notes(FilmResult &result, const Links &links, const PicturePlan &plan)
{
    const auto note = [&](const char *code, std::string message) {
        result.notes.push_back(problem(code, std::move(message)));
    };
    for (std::size_t i = 0; i < links.routes.size(); ++i)
        if (i != links.look.picture && !links.routes[i].said.empty())
            note(links.routes[i].way == Way::left_out ? "film-stream-left-out" : "film-sound-encoded",
                 links.routes[i].said);
    if (plan.hdr)
        note("film-tone-mapped", "The film has a high dynamic range; it was painted and written as BT.709.");
    if (plan.alpha)
        note("film-flattened", "The film is transparent in places; it was painted over white.");
    const FilmCounts &counts = *links.counts;
    if (counts.odd)
        note("film-resized", "The film's size is odd, which H.264 can't be; it was scaled by one pixel.");
    if (counts.resized)
        note("film-resized", "The film's size changes in mid-stream; all of it was scaled to the first one.");
    const std::uint64_t lost = counts.packets > counts.decoded ? counts.packets - counts.decoded : 0;
    if (lost || counts.damaged)
        note("film-frames-damaged", std::to_string(lost) + " of " + std::to_string(counts.packets) +
                                        " frames could not be decoded, and " +
                                        std::to_string(counts.damaged) + " more are damaged.");
}

/// What is wrong with a run that came to its end.
std::optional<RunFailure> shortfall(const FilmLook &look, const FilmCounts &counts)
{
    if (counts.painted == 0)
        return problem("film-unreadable", "No frame of the film could be decoded.",
                       "It is damaged; try to play it.");
    const nanoseconds read(counts.read_to);
    if (look.duration.count() > 0 && look.duration - read > end_tolerance)
        return problem("film-truncated",
                       "The film ends after " + seconds(read) + " of the " + seconds(look.duration) +
                           " that its header says; " + std::to_string(counts.painted) +
                           " frames were painted.",
                       "The file is not whole: copy or download it again. If it plays to its end, its edit "
                       "list is one that "
                       "GStreamer does not follow: remux it, as \"ffmpeg -i IN -c copy OUT.mkv\" does.");
    if (counts.painted != counts.decoded)
        return problem("film-frames-lost",
                       "Of " + std::to_string(counts.decoded) + " frames " + std::to_string(counts.painted) +
                           " were written.",
                       "Please report it, with the file.");
    return std::nullopt;
}

void set_options(Pipeline &pipeline, const FilmJob &job)
{
    pipeline.set("input", "location", job.input);
    pipeline.set("output", "location", job.output);
    if (!job.style.empty())
        pipeline.set("paint", "model", job.style);
    if (!job.style.empty() && pipeline.has("faces", "facepaint"))
        pipeline.set("faces", "model", job.style);
    if (job.strength)
        pipeline.set("paint", "strength", *job.strength);
    if (job.strength == 0.0 && pipeline.has("faces", "facepaint"))
        pipeline.set("faces", "max-faces", std::int64_t{0}); // nothing of them would be seen
}

/// Gives the film up when nothing has come in or gone out for too long, and tells how far it is.
std::function<std::optional<RunFailure>(bool)> make_watch(const FilmJob &job, const FilmLook &look,
                                                          const SharedCounts &counts)
{
    struct Last {
        std::uint64_t packets = 0;
        std::uint64_t painted = 0;
        Clock::time_point moved = Clock::now();
    };
    return [&job, counts, duration = look.duration,
            last = Last()](bool failed) mutable -> std::optional<RunFailure> {
        const std::uint64_t packets = counts->packets;
        const std::uint64_t painted = counts->painted;
        if (packets != last.packets || painted != last.painted)
            last = {packets, painted, Clock::now()};
        if (job.on_progress && painted > 0) {
            FilmProgress progress{painted, std::nullopt};
            if (duration.count() > 0)
                progress.part = std::min(1.0, static_cast<double>(counts->painted_to.load()) /
                                                  static_cast<double>(duration.count()));
            job.on_progress(progress);
        }
        // After an error nothing new comes in; what is on its way gets a moment for each frame.
        const auto allowed =
            failed ? std::min<std::chrono::milliseconds>(job.limits.stall, 5s) : job.limits.stall;
        if (Clock::now() - last.moved < allowed)
            return std::nullopt;
        return problem("film-stalled",
                       "No frame came for " + seconds(job.limits.stall) + ", after " +
                           std::to_string(painted) + ".",
                       "The file is damaged, or the machine too slow for it: --stall-after allows more.");
    };
}

} // namespace

bool is_film(const Description &description)
{
    std::istringstream text(description.text);
    const std::set<std::string> words{std::istream_iterator<std::string>(text), {}};
    constexpr std::array names = {"name=streams", "name=picture", "name=decoder",
                                  "name=frames",  "name=coded",   "name=mux"};
    return std::ranges::all_of(names, [&](const char *name) { return words.contains(name); });
}

FilmResult paint_film(const Description &description, const FilmJob &job)
{
    Pipeline pipeline(with_working_encoders(description));
    set_options(pipeline, job);
    const auto counts = std::make_shared<FilmCounts>();
    auto *links = new Links{look_at_film(job.input, job.limits), {}, 0ns, false, counts, {}};
    const ElementPtr parsebin = pipeline.element("streams");
    g_signal_connect_data(
        parsebin.get(), "pad-added", G_CALLBACK(stream_added), links,
        [](gpointer data, GClosure *) { delete static_cast<Links *>(data); }, GConnectFlags(0));
    keep_subtitles_as_they_are(parsebin.get());

    const ElementPtr muxer = pipeline.element("mux");
    links->edit_lists = has_edit_lists(muxer.get());
    std::vector<nanoseconds> priming;
    for (const FilmStream &stream : links->look.streams) {
        links->routes.push_back(route_for(stream, muxer.get()));
        const Way way = links->routes.back().way;
        const bool is_sound = stream.kind == StreamKind::audio && way != Way::left_out;
        if (is_sound)
            priming.push_back(way == Way::copied ? stream.priming : 0ns);
        if (is_sound)
            links->latest_priming = std::max(links->latest_priming, priming.back());
    }
    const PicturePlan plan = plan_picture(links->look);
    prepare_picture(pipeline, plan, counts);
    const PadPtr coded = link_coded(pipeline);
    if (!links->edit_lists)
        gst_pad_set_offset(coded.get(), links->latest_priming.count());

    std::set<std::string> subtitles;
    for (const auto &[id, route] : subtitle_routes(*links))
        subtitles.insert(id);
    links->scan = scan_film(job.input, subtitles, job.limits);
    place_subtitles(pipeline, *links);
    widen_queue(pipeline, *links);

    FilmResult result;
    RunLimits limits;
    limits.cancel = job.limits.cancel;
    limits.watch = make_watch(job, links->look, counts);
    limits.finish_within = 10min;
    const RunResult run = pipeline.run(limits);
    result.failure = run.failure ? run.failure : shortfall(links->look, *counts);
    result.frames = counts->painted;
    result.playable = run.reached_end && result.frames > 0;
    add_notes(result, *links, plan);
    if (result.playable && links->edit_lists)
        if (const std::optional<std::string> wrong = cut_priming(job.output, priming))
            result.notes.push_back(
                problem("film-sound-shifted", "The sound begins some milliseconds late: " + *wrong + "."));
    return result;
}

} // namespace anime
