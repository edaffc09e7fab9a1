// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/film/join.h"

#include "pipelines/film/edit_list.h"
#include "pipelines/film/halves.h"
#include "pipelines/film/journal_source.h"
#include "pipelines/film/probe.h"
#include "pipelines/film/problem.h"
#include "pipelines/film/sound.h"
#include "pipelines/film/stall.h"
#include "pipelines/film/subtitles.h"

#include <algorithm>
#include <map>
#include <mutex>

namespace anime
{

namespace
{

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

/// How far each sound track may be read ahead of the others, which come later in the file.
constexpr nanoseconds read_ahead = 5s;

/// The sound tracks. One may end before the picture, and not every demuxer says so; the muxer would wait for
/// its next packet, and the demuxer, held up by the other tracks, never get to the end.
struct Sounds {
    std::mutex lock;
    std::uint64_t passed = 0; ///< packets of all streams
    struct Track {
        GstPad *pad; ///< alive as long as the probes that know of it: both are the parsebin's
        std::uint64_t packets_left;
        bool ended = false;
    };
    std::vector<Track> tracks;
};

using SharedSounds = std::shared_ptr<Sounds>;

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

/// In the demuxer's thread, as everything that passes the streams' pads.
GstPadProbeReturn see_picture(GstPad *, GstPadProbeInfo *, gpointer data)
{
    Sounds &sounds = **static_cast<SharedSounds *>(data);
    const std::lock_guard guard(sounds.lock);
    ++sounds.passed;
    for (auto &[pad, packets_left, ended] : sounds.tracks)
        if (packets_left == 0 && !std::exchange(ended, true))
            gst_pad_push_event(pad, gst_event_new_eos());
    return GST_PAD_PROBE_OK;
}

struct Passing {
    SharedSounds sounds;
    std::optional<nanoseconds> until;
    GstSegment segment;
    GstClockTime before = GST_CLOCK_TIME_NONE; ///< PTS of the packet before
};

/// Not every demuxer says how long a packet is. In an MP4 file the last one would last for no time at all,
/// and players would leave it out: it gets the duration of the one before.
void set_duration(GstPadProbeInfo *info, GstClockTime &before)
{
    GstBuffer *packet = GST_PAD_PROBE_INFO_BUFFER(info);
    const GstClockTime time = GST_BUFFER_PTS(packet);
    if (!GST_BUFFER_DURATION_IS_VALID(packet) && GST_CLOCK_TIME_IS_VALID(before) &&
        GST_CLOCK_TIME_IS_VALID(time) && time > before) {
        packet = gst_buffer_make_writable(packet);
        GST_BUFFER_DURATION(packet) = time - before;
        GST_PAD_PROBE_INFO_DATA(info) = packet;
    }
    before = time;
}

GstPadProbeReturn see_sound(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    auto &[sounds, until, segment, before] = *static_cast<Passing *>(data);
    if (!is_buffer(info)) {
        if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_SEGMENT)
            gst_event_copy_segment(GST_PAD_PROBE_INFO_EVENT(info), &segment);
        return GST_PAD_PROBE_OK;
    }
    {
        const std::lock_guard guard(sounds->lock);
        ++sounds->passed;
        for (auto &track : sounds->tracks)
            if (track.pad == pad && track.packets_left > 0)
                --track.packets_left;
    }
    set_duration(info, before);
    const GstClockTime time = gst_segment_to_running_time(&segment, GST_FORMAT_TIME,
                                                          GST_BUFFER_PTS(GST_PAD_PROBE_INFO_BUFFER(info)));
    const bool late = until && GST_CLOCK_TIME_IS_VALID(time) && nanoseconds(time) > *until;
    return late ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
}

/// Gives up when nothing has moved for too long.
std::function<std::optional<RunFailure>(bool)> make_watch(const FilmLimits &limits,
                                                          const SharedSounds &sounds)
{
    return [sounds, stall = StallWatch(limits.stall)](bool failed) mutable -> std::optional<RunFailure> {
        const std::lock_guard guard(sounds->lock);
        if (!stall.gives_up(sounds->passed, failed))
            return std::nullopt;
        return problem("film-stalled",
                       "Joining the painted film with its sound stopped after " +
                           std::to_string(sounds->passed) + " packets.",
                       "The file is damaged, or the disk very slow: --stall-after allows more.");
    };
}

} // namespace

struct Join::State {
    FilmLook look;
    std::unique_ptr<Pipeline> pipeline;
    std::vector<Route> routes; ///< one for each of look.streams
    bool edit_lists = false;
    std::vector<nanoseconds> priming; ///< of the sound tracks that are written
    nanoseconds latest_priming{0};
    std::vector<RunFailure> notes;

    // While it runs.
    FilmScan scan;
    std::optional<nanoseconds> until;
    SharedSounds sounds = std::make_shared<Sounds>();
    std::map<std::string, PadPtr> pads; ///< of the muxer, for sound, by stream id

    void plan(const Description &description);
    void add_pictures(const std::shared_ptr<Journal> &journal);
    void add_sounds();
    void add_subtitles();
    void add_stream(GstPad *pad);
    nanoseconds room() const;
    nanoseconds priming_of(std::size_t stream) const
    {
        return routes[stream].way == Way::copied ? look.streams[stream].priming : 0ns;
    }
};

void Join::State::plan(const Description &description)
{
    pipeline = joining_half(description);
    const ElementPtr muxer = pipeline->element("mux");
    edit_lists = has_edit_lists(muxer.get());
    for (std::size_t i = 0; i < look.streams.size(); ++i) {
        const FilmStream &stream = look.streams[i];
        const Route &route = routes.emplace_back(route_for(stream, muxer.get()));
        if (i != look.picture && !route.said.empty())
            notes.push_back(problem(
                route.way == Way::left_out ? "film-stream-left-out" : "film-sound-encoded", route.said));
        if (stream.kind != StreamKind::audio || route.way == Way::left_out)
            continue;
        priming.push_back(priming_of(i));
        latest_priming = std::max(latest_priming, priming.back());
    }
}

void Join::State::add_pictures(const std::shared_ptr<Journal> &journal)
{
    const ElementPtr muxer = pipeline->element("mux");
    const ElementPtr bin(GST_ELEMENT(gst_element_get_parent(muxer.get())));
    GstElement *source = journal_source(journal, [sounds = sounds] {
        const std::lock_guard guard(sounds->lock);
        ++sounds->passed;
    });
    gst_bin_add(GST_BIN(bin.get()), source);
    const PadPtr from(gst_element_get_static_pad(source, "src"));
    const PadPtr to(gst_element_request_pad_simple(muxer.get(), "video_%u"));
    if (!to || gst_pad_link(from.get(), to.get()) != GST_PAD_LINK_OK)
        throw PipelineError(problem("description-invalid",
                                    "The element \"coded\" can't be linked to \"mux\".",
                                    "docs/films.md says what a film's description has."));
    if (!edit_lists)
        gst_pad_set_offset(to.get(), latest_priming.count());
}

/// A muxer takes no new tracks once it has begun to write.
void Join::State::add_sounds()
{
    const ElementPtr muxer = pipeline->element("mux");
    for (std::size_t i = 0; i < look.streams.size(); ++i) {
        const FilmStream &stream = look.streams[i];
        if (stream.kind != StreamKind::audio || routes[i].way == Way::left_out ||
            !scan.streams.contains(stream.id))
            continue;
        PadPtr pad(gst_element_request_pad_simple(muxer.get(), routes[i].pad.c_str()));
        if (!edit_lists)
            gst_pad_set_offset(pad.get(), (latest_priming - priming_of(i)).count());
        pads[stream.id] = std::move(pad);
    }
}

void Join::State::add_subtitles()
{
    const ElementPtr muxer = pipeline->element("mux");
    const ElementPtr bin(GST_ELEMENT(gst_element_get_parent(muxer.get())));
    for (SubtitleTrack &track : scan.subtitles) {
        if (until)
            std::erase_if(track.buffers, [&](const BufferPtr &buffer) {
                return nanoseconds(GST_BUFFER_PTS(buffer.get())) > *until;
            });
        const auto stream = std::ranges::find(look.streams, track.id, &FilmStream::id);
        if (track.buffers.empty() || stream == look.streams.end())
            continue;
        const Route &route = routes[static_cast<std::size_t>(stream - look.streams.begin())];
        if (route.way == Way::unmarked)
            unmark(track, route.keep_tags);
        anime::add_subtitles(GST_BIN(bin.get()), track, muxer.get(), route.pad,
                             edit_lists ? 0ns : latest_priming);
    }
}

/// As long as the longest gap in any sound track is, and a little more.
nanoseconds Join::State::room() const
{
    nanoseconds longest{0};
    for (const FilmStream &stream : look.streams)
        if (const auto found = scan.streams.find(stream.id);
            found != scan.streams.end() && stream.kind == StreamKind::audio)
            longest = std::max(longest, found->second.longest_gap);
    return std::max(read_ahead, longest + 2s);
}

void Join::State::add_stream(GstPad *pad)
{
    const std::string id = id_of(pad);
    const auto stream = std::ranges::find(look.streams, id, &FilmStream::id);
    if (stream == look.streams.end() || !scan.streams.contains(id))
        return; // came up after the look; what can't be known before isn't in the film
    const ElementPtr muxer = pipeline->element("mux");
    const ElementPtr bin(GST_ELEMENT(gst_element_get_parent(muxer.get())));
    const auto index = static_cast<std::size_t>(stream - look.streams.begin());
    if (index == look.picture) {
        add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, see_picture, SharedSounds(sounds));
        return drain(GST_BIN(bin.get()), pad);
    }
    const auto to = pads.find(id);
    if (to == pads.end())
        return; // left out, or subtitles, which are in the muxer already
    {
        const std::lock_guard guard(sounds->lock);
        sounds->tracks.push_back({pad, scan.streams.at(id).packets});
    }
    Passing passing = {sounds, until, {}};
    gst_segment_init(&passing.segment, GST_FORMAT_TIME);
    add_probe(pad, buffers_and_events, see_sound, std::move(passing));
    if (const nanoseconds before = priming_of(index); before.count() > 0)
        add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, start_earlier,
                  Priming{stream->starts_at, static_cast<GstClockTime>(before.count())});
    link_stream(GST_BIN(bin.get()), pad, routes[index], to->second.get(), room());
}

Join::Join(const Description &description, const FilmLook &look) : state_(std::make_shared<State>())
{
    state_->look.streams = look.streams;
    state_->look.picture = look.picture;
    state_->plan(description);
}

Join::~Join() = default;

bool Join::takes_h264() const
{
    const ElementPtr muxer = state_->pipeline->element("mux");
    GstPadTemplate *pad = gst_element_get_pad_template(muxer.get(), "video_%u");
    const CapsPtr taken(pad ? gst_pad_template_get_caps(pad) : gst_caps_new_empty());
    const CapsPtr h264(gst_caps_new_empty_simple("video/x-h264"));
    return gst_caps_can_intersect(taken.get(), h264.get());
}

std::set<std::string> Join::subtitles() const
{
    std::set<std::string> ids;
    for (std::size_t i = 0; i < state_->routes.size(); ++i)
        if (state_->look.streams[i].kind == StreamKind::text && state_->routes[i].way != Way::left_out)
            ids.insert(state_->look.streams[i].id);
    return ids;
}

RunResult Join::run(const Films &films, FilmScan &scan, const std::shared_ptr<Journal> &journal,
                    const FilmLimits &limits)
{
    State &state = *state_;
    state.scan = std::move(scan);
    state.until = films.until;
    state.pipeline->set("input", "location", films.input);
    state.pipeline->set("output", "location", films.output);
    const ElementPtr parsebin = state.pipeline->element("streams");
    keep_subtitles_as_they_are(parsebin.get());
    using Weak = std::weak_ptr<State>;
    g_signal_connect_data(
        parsebin.get(), "pad-added", G_CALLBACK(+[](GstElement *, GstPad *pad, gpointer data) {
            if (const std::shared_ptr<State> held = static_cast<Weak *>(data)->lock())
                held->add_stream(pad);
        }),
        new Weak(state_), [](gpointer data, GClosure *) { delete static_cast<Weak *>(data); },
        GConnectFlags(0));
    state.add_pictures(journal);
    state.add_sounds();
    state.add_subtitles();
    keep_tags(*state.pipeline, state.scan);

    RunLimits run_limits;
    run_limits.cancel = limits.cancel;
    run_limits.watch = make_watch(limits, state.sounds);
    run_limits.finish_within = 10min;
    RunResult result = state.pipeline->run(run_limits);
    if (result.reached_end && state.edit_lists)
        if (const std::optional<std::string> wrong = cut_priming(films.output, state.priming))
            state.notes.push_back(
                problem("film-sound-shifted", "The sound begins some milliseconds late: " + *wrong + "."));
    return result;
}

const std::vector<RunFailure> &Join::notes() const
{
    return state_->notes;
}

} // namespace anime
