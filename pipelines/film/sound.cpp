// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/film/sound.h"

#include <array>
#include <string_view>

namespace anime
{

namespace
{

/// The request template of the muxer, by its name's beginning, that takes these caps.
GstPadTemplate *template_taking(GstElement *muxer, const GstCaps *caps, std::string_view prefix)
{
    const GList *all = gst_element_class_get_pad_template_list(GST_ELEMENT_GET_CLASS(muxer));
    for (; all; all = all->next) {
        auto *one = static_cast<GstPadTemplate *>(all->data);
        if (GST_PAD_TEMPLATE_DIRECTION(one) != GST_PAD_SINK ||
            !std::string_view(GST_PAD_TEMPLATE_NAME_TEMPLATE(one)).starts_with(prefix))
            continue;
        const CapsPtr taken(gst_pad_template_get_caps(one));
        if (gst_caps_can_intersect(taken.get(), caps))
            return one;
    }
    return nullptr;
}

struct SoundEncoder {
    const char *element;
    const char *caps;
    const char *line;
    const char *name;
};

/// Best first; each machine has some of them.
constexpr std::array sound_encoders = {
    SoundEncoder{"fdkaacenc", "audio/mpeg,mpegversion=4,stream-format=raw", "fdkaacenc bitrate=192000",
                 "AAC"},
    SoundEncoder{"avenc_aac", "audio/mpeg,mpegversion=4,stream-format=raw",
                 "avenc_aac bitrate=192000 ! aacparse", "AAC"},
    SoundEncoder{"voaacenc", "audio/mpeg,mpegversion=4,stream-format=raw",
                 "voaacenc bitrate=192000 ! aacparse", "AAC"},
    SoundEncoder{"opusenc", "audio/x-opus,channel-mapping-family=0", "opusenc bitrate=128000 ! opusparse",
                 "Opus"},
};

bool exists(const char *element)
{
    GstElementFactory *found = gst_element_factory_find(element);
    if (found)
        gst_object_unref(found);
    return found != nullptr;
}

Route encode(const FilmStream &stream, GstElement *muxer)
{
    for (const auto &[element, caps_text, line, name] : sound_encoders) {
        const CapsPtr caps(gst_caps_from_string(caps_text));
        GstPadTemplate *pad = template_taking(muxer, caps.get(), "audio_");
        if (!pad || !exists(element))
            continue;
        Route route;
        route.way = Way::encoded;
        route.pad = GST_PAD_TEMPLATE_NAME_TEMPLATE(pad);
        route.encoder = line;
        route.said = "The container can't hold sound of the type " + stream.media_type() +
                     "; it was encoded anew, as " + name + ".";
        return route;
    }
    Route route;
    route.said = "The container can't hold sound of the type " + stream.media_type() +
                 ", and no encoder for one that it holds is installed; it was left out.";
    return route;
}

Route copy(GstPadTemplate *pad)
{
    Route route;
    route.way = Way::copied;
    route.pad = GST_PAD_TEMPLATE_NAME_TEMPLATE(pad);
    return route;
}

} // namespace

bool has_edit_lists(GstElement *muxer)
{
    GstElementFactory *factory = gst_element_get_factory(muxer);
    const std::string_view name = factory ? GST_OBJECT_NAME(factory) : "";
    return name == "mp4mux" || name == "qtmux";
}

namespace
{

Route route_subtitles(const FilmStream &stream, const GstCaps *caps, GstElement *muxer)
{
    if (GstPadTemplate *pad = template_taking(muxer, caps, "subtitle_"))
        return copy(pad);
    if (stream.media_type() == "text/x-raw") {
        const CapsPtr plain(gst_caps_from_string("text/x-raw,format=utf8"));
        if (GstPadTemplate *pad = template_taking(muxer, plain.get(), "subtitle_")) {
            Route route = copy(pad);
            route.way = Way::unmarked;
            route.keep_tags = !has_edit_lists(muxer);
            return route;
        }
    }
    Route route;
    route.said = "The container can't hold subtitles of the type " + stream.media_type() +
                 "; they were left out" +
                 (!has_edit_lists(muxer) || !stream.media_type().starts_with("application/x-")
                      ? std::string(".")
                      : std::string(". A film named .mkv keeps them."));
    return route;
}

} // namespace

Route route_for(const FilmStream &stream, GstElement *muxer)
{
    const CapsPtr caps(gst_caps_from_string(stream.caps.c_str()));
    Route route;
    switch (stream.kind) {
    case StreamKind::video:
        route.said = "A second picture track, " + stream.media_type() + ", was left out.";
        return route;
    case StreamKind::audio:
        if (GstPadTemplate *pad = template_taking(muxer, caps.get(), "audio_"))
            return copy(pad);
        if (stream.media_type() == "audio/mpeg") {
            // AAC of transport streams has its header in each packet; the parser takes them off.
            const CapsPtr bare(gst_caps_from_string("audio/mpeg,mpegversion=4,stream-format=raw"));
            const CapsPtr aac(gst_caps_from_string("audio/mpeg,mpegversion={2,4}"));
            GstPadTemplate *pad = template_taking(muxer, bare.get(), "audio_");
            if (pad && gst_caps_can_intersect(caps.get(), aac.get())) {
                route = copy(pad);
                route.encoder = "aacparse";
                return route;
            }
        }
        return encode(stream, muxer);
    case StreamKind::text:
        return route_subtitles(stream, caps.get(), muxer);
    case StreamKind::other:
        break;
    }
    route.said = "A track of the type " + stream.media_type() + " was left out.";
    return route;
}

namespace
{

/// By name: what a decodebin will be linked to looks unlinked too.
PadPtr add_ghost(GstElement *bin, const char *element, const char *pad)
{
    const ElementPtr inside(gst_bin_get_by_name(GST_BIN(bin), element));
    const PadPtr target(gst_element_get_static_pad(inside.get(), pad));
    GstPad *ghost = gst_ghost_pad_new(pad, target.get());
    gst_element_add_pad(bin, ghost);
    return PadPtr(GST_PAD(gst_object_ref(ghost)));
}

} // namespace

void link_stream(GstBin *pipeline, GstPad *from, const Route &route, GstPad *to,
                 std::chrono::nanoseconds room)
{
    std::string line =
        "queue name=in max-size-buffers=0 max-size-bytes=0 max-size-time=" + std::to_string(room.count());
    if (route.way == Way::encoded)
        line += " ! decodebin ! audioconvert ! audioresample";
    if (!route.encoder.empty())
        line += " ! " + route.encoder;
    line += " ! identity name=out";
    GError *problem = nullptr;
    GstElement *bin = gst_parse_bin_from_description(line.c_str(), FALSE, &problem);
    const ErrorPtr error(problem);
    if (!bin) {
        GST_ELEMENT_ERROR(pipeline, CORE, MISSING_PLUGIN, ("%s", error ? error->message : "no element"),
                          (nullptr));
        return;
    }
    gst_bin_add(pipeline, bin);
    const PadPtr in = add_ghost(bin, "in", "sink");
    const PadPtr out = add_ghost(bin, "out", "src");
    const bool linked = gst_pad_link(out.get(), to) == GST_PAD_LINK_OK;
    gst_element_sync_state_with_parent(bin);
    if (!linked || gst_pad_link(from, in.get()) != GST_PAD_LINK_OK)
        GST_ELEMENT_ERROR(pipeline, CORE, NEGOTIATION, ("A stream can't be linked to the muxer."),
                          ("%s", line.c_str()));
}

} // namespace anime
