// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/film/subtitles.h"

#include <gst/app/app.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

namespace anime
{

namespace
{

/// The character that `&name;` stands for; empty for what is none.
std::string entity(std::string_view name)
{
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> known = {
        {{"amp", "&"}, {"lt", "<"}, {"gt", ">"}, {"quot", "\""}, {"apos", "'"}}};
    for (const auto &[key, character] : known)
        if (key == name)
            return std::string(character);
    if (!name.starts_with('#'))
        return {};
    const bool hex = name.starts_with("#x") || name.starts_with("#X");
    const std::string_view digits = name.substr(hex ? 2 : 1);
    std::uint32_t code = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), code, hex ? 16 : 10);
    if (error != std::errc() || end != digits.data() + digits.size() || code == 0 ||
        !g_unichar_validate(code))
        return {};
    char utf8[6];
    return {utf8, static_cast<std::size_t>(g_unichar_to_utf8(code, utf8))};
}

bool is_kept(std::string_view tag)
{
    if (tag.starts_with('/'))
        tag.remove_prefix(1);
    return tag == "i" || tag == "b" || tag == "u";
}

} // namespace

std::string subtitle_text(std::string_view markup, bool keep_tags)
{
    std::string text;
    while (!markup.empty()) {
        const char first = markup.front();
        const std::size_t end = markup.find(first == '<' ? '>' : ';');
        const bool whole = end != std::string_view::npos;
        if (first == '<' && whole) {
            if (keep_tags && is_kept(markup.substr(1, end - 1)))
                text += markup.substr(0, end + 1);
        } else if (const std::string character =
                       first == '&' && whole ? entity(markup.substr(1, end - 1)) : std::string();
                   !character.empty()) {
            text += character;
        } else {
            text += first;
            markup.remove_prefix(1);
            continue;
        }
        markup.remove_prefix(end + 1);
    }
    return text;
}

void unmark(SubtitleTrack &track, bool keep_tags)
{
    if (!track.caps)
        return;
    track.caps.reset(gst_caps_copy(track.caps.get()));
    gst_caps_set_simple(track.caps.get(), "format", G_TYPE_STRING, "utf8", nullptr);
    for (BufferPtr &buffer : track.buffers) {
        std::string text;
        {
            const MappedBuffer mapped(buffer.get(), GST_MAP_READ);
            if (!mapped)
                continue;
            std::string_view all(reinterpret_cast<const char *>(mapped.data()), mapped.size());
            text = subtitle_text(all.substr(0, all.find('\0')), keep_tags);
        }
        BufferPtr plain(gst_buffer_new_memdup(text.data(), text.size()));
        GST_BUFFER_PTS(plain.get()) = GST_BUFFER_PTS(buffer.get());
        GST_BUFFER_DURATION(plain.get()) = GST_BUFFER_DURATION(buffer.get());
        buffer = std::move(plain);
    }
}

void add_subtitles(GstBin *pipeline, const SubtitleTrack &track, GstElement *muxer, const std::string &pad,
                   std::chrono::nanoseconds later)
{
    GstElement *source = gst_element_factory_make("appsrc", nullptr);
    GstElement *tags = gst_element_factory_make("taginject", nullptr);
    g_object_set(source, "format", GST_FORMAT_TIME, "max-bytes", guint64{0}, "caps", track.caps.get(),
                 nullptr);
    if (!track.tags.empty())
        g_object_set(tags, "tags", track.tags.c_str(), nullptr);
    gst_bin_add_many(pipeline, source, tags, nullptr);
    gst_element_link(source, tags);
    const PadPtr from(gst_element_get_static_pad(tags, "src"));
    const PadPtr to(gst_element_request_pad_simple(muxer, pad.c_str()));
    gst_pad_link_full(from.get(), to.get(), GST_PAD_LINK_CHECK_NOTHING);
    gst_pad_set_offset(to.get(), later.count());
    for (const BufferPtr &buffer : track.buffers)
        gst_app_src_push_buffer(GST_APP_SRC(source), gst_buffer_ref(buffer.get()));
    gst_app_src_end_of_stream(GST_APP_SRC(source));
}

} // namespace anime
