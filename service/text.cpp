// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/text.h"

#include "service/http/fields.h"

#include <glib.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <memory>

namespace anime::service
{

namespace
{

bool equal_ignoring_case(std::string_view a, std::string_view b)
{
    return a.size() == b.size() && g_ascii_strncasecmp(a.data(), b.data(), a.size()) == 0;
}

/// Calls `use` with each part of `list` between `separator`s, trimmed, until it returns true.
template <typename Use>
bool any_part(std::string_view list, char separator, Use use)
{
    while (true) {
        const auto end = list.find(separator);
        if (use(trim(list.substr(0, end))))
            return true;
        if (end == std::string_view::npos)
            return false;
        list.remove_prefix(end + 1);
    }
}

} // namespace

std::string_view trim(std::string_view text)
{
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string> split_list(const std::string &list)
{
    std::vector<std::string> items;
    any_part(list, ',', [&](std::string_view item) {
        if (!item.empty())
            items.emplace_back(item);
        return false;
    });
    return items;
}

bool valid_id(std::string_view id)
{
    return !id.empty() && id.size() <= 128 && std::all_of(id.begin(), id.end(), [](char c) {
        return g_ascii_isalnum(c) || c == '.' || c == '_' || c == ':' || c == '-';
    });
}

std::string random_id()
{
    std::array<unsigned char, 16> bytes{};
    if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        std::abort(); // the kernel has no random numbers: no id would be safe
    static constexpr char digits[] = "0123456789abcdef";
    std::string id;
    for (const unsigned char b : bytes) {
        id += digits[b >> 4];
        id += digits[b & 15];
    }
    return id;
}

std::string with_underscores(std::string name)
{
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

std::string sha256(std::string_view data)
{
    char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, reinterpret_cast<const guchar *>(data.data()),
                                            data.size());
    std::string digits = sum;
    g_free(sum);
    return digits;
}

std::optional<int> prefer_wait(std::string_view header)
{
    std::optional<int> wait;
    any_part(header, ',', [&](std::string_view preference) {
        preference = trim(preference.substr(0, preference.find(';')));
        const auto equals = preference.find('=');
        if (equals == std::string_view::npos ||
            !equal_ignoring_case(trim(preference.substr(0, equals)), "wait"))
            return false;
        std::string_view value = trim(preference.substr(equals + 1));
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
            value = value.substr(1, value.size() - 2);
        int seconds = 0;
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
        if (error == std::errc{} && end == value.data() + value.size() && seconds >= 0)
            wait = seconds;
        return true;
    });
    return wait;
}

std::string rfc3339(std::chrono::system_clock::time_point time)
{
    const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
    const std::time_t seconds = static_cast<std::time_t>(since / 1000);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    std::array<char, 32> text{};
    const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    const std::string fraction = std::to_string(1000 + since % 1000);
    return std::string(text.data(), length) + "." + fraction.substr(1) + "Z";
}

std::string clean_text(std::string_view text, std::size_t most_characters)
{
    const std::unique_ptr<char, decltype(&g_free)> valid(
        g_utf8_make_valid(text.data(), static_cast<gssize>(text.size())), g_free);
    std::string clean;
    std::size_t characters = 0;
    for (const char *p = valid.get(); *p && characters < most_characters; p = g_utf8_next_char(p)) {
        if (g_unichar_iscntrl(g_utf8_get_char(p)))
            continue;
        clean.append(p, static_cast<std::size_t>(g_utf8_next_char(p) - p));
        ++characters;
    }
    return clean;
}

std::string clean_file_name(std::string_view name)
{
    if (const auto slash = name.find_last_of("/\\"); slash != std::string_view::npos)
        name.remove_prefix(slash + 1);
    return clean_text(name, 120);
}

std::string quoted_tag(std::string_view digest)
{
    std::string tag(1, '"');
    tag += digest.substr(0, 32);
    tag += '"';
    return tag;
}

bool etag_matches(std::string_view header, std::string_view etag)
{
    return any_part(header, ',', [&](std::string_view tag) {
        if (tag.starts_with("W/"))
            tag.remove_prefix(2);
        return tag == etag || tag == "*";
    });
}

namespace
{

struct MediaRange {
    std::string type; ///< in lower case
    double quality = 1;
};

std::vector<MediaRange> media_ranges(std::string_view header)
{
    std::vector<MediaRange> ranges;
    for (const std::string_view element : split_list(header)) {
        const FieldValue field = parse_field_value(element);
        MediaRange range{field.value == "image/jpg" ? "image/jpeg" : field.value};
        if (const std::string *quality = field.parameter("q"))
            range.quality = g_ascii_strtod(quality->c_str(), nullptr);
        ranges.push_back(std::move(range));
    }
    return ranges;
}

/// As the most specific range has it; nothing if none is about it.
std::optional<double> quality_of(const std::vector<MediaRange> &ranges, const std::string &type)
{
    for (const std::string &name : {type, std::string("image/*")})
        for (const MediaRange &range : ranges)
            if (range.type == name)
                return range.quality;
    return std::nullopt;
}

} // namespace

bool prefers_picture(std::string_view header)
{
    const std::vector<MediaRange> ranges = media_ranges(header);
    const auto best =
        std::max_element(ranges.begin(), ranges.end(), [](const MediaRange &a, const MediaRange &b) {
            return a.quality < b.quality; // the first of equal ones
        });
    return best != ranges.end() && best->quality > 0 && best->type.starts_with("image/");
}

std::string preferred_picture(std::string_view header, const std::vector<std::string> &types)
{
    const std::vector<MediaRange> ranges = media_ranges(header);
    const bool about_images = std::any_of(ranges.begin(), ranges.end(),
                                          [](const auto &range) { return range.type.starts_with("image/"); });
    const auto any =
        std::find_if(ranges.begin(), ranges.end(), [](const auto &range) { return range.type == "*/*"; });
    const double otherwise = any != ranges.end() ? any->quality : about_images ? 0 : 1;
    std::string best;
    double highest = 0;
    for (const std::string &type : types) {
        const double quality = quality_of(ranges, type).value_or(otherwise);
        if (quality > highest) {
            highest = quality;
            best = type;
        }
    }
    return best;
}

std::string extension_of(std::string_view media_type)
{
    const std::string_view subtype = media_type.substr(media_type.find('/') + 1);
    return subtype == "jpeg" ? "jpg" : std::string(subtype);
}

} // namespace anime::service
