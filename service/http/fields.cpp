// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/http/fields.h"

#include <glib.h>

#include <algorithm>
#include <cstring>

namespace anime::service
{

namespace
{

std::string_view without_blanks(std::string_view text)
{
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string lower(std::string_view text)
{
    std::string result(text);
    for (char &c : result)
        c = g_ascii_tolower(c);
    return result;
}

/// Takes a quoted string off the front of `text`, which starts with a quote. Only \" and \\" are escapes: old
/// browsers send C:\photos\me.jpg as it is.
std::string take_quoted(std::string_view &text)
{
    std::string value;
    text.remove_prefix(1);
    while (!text.empty() && text.front() != '"') {
        if (text.size() > 1 && text[0] == '\\' && (text[1] == '"' || text[1] == '\\'))
            text.remove_prefix(1);
        value += text.front();
        text.remove_prefix(1);
    }
    if (!text.empty())
        text.remove_prefix(1);
    return value;
}

std::string take_until(std::string_view &text, char end)
{
    const std::string_view taken = text.substr(0, text.find(end));
    text.remove_prefix(taken.size());
    return std::string(without_blanks(taken));
}

/// UTF-8''caf%C3%A9.jpg; nothing in another charset.
std::optional<std::string> decode_extended(const std::string &value)
{
    const auto language = value.find('\'');
    const auto text = language == std::string::npos ? language : value.find('\'', language + 1);
    if (text == std::string::npos || lower(value.substr(0, language)) != "utf-8")
        return std::nullopt;
    std::string decoded = value.substr(text + 1);
    decoded.resize(unescape(decoded.data()));
    return decoded;
}

} // namespace

FieldValue parse_field_value(std::string_view text)
{
    FieldValue field;
    field.value = lower(take_until(text, ';'));
    std::map<std::string, std::string> extended;
    while (!text.empty()) {
        text = without_blanks(text.substr(1)); // the semicolon
        const auto end = text.find_first_of("=;");
        if (end == std::string_view::npos || text[end] == ';') {
            text.remove_prefix(end == std::string_view::npos ? text.size() : end);
            continue;
        }
        const std::string name = lower(without_blanks(text.substr(0, end)));
        text = without_blanks(text.substr(end + 1));
        std::string value;
        if (text.starts_with('"')) {
            value = take_quoted(text);
            take_until(text, ';');
        } else {
            value = take_until(text, ';');
        }
        if (!name.ends_with('*'))
            field.parameters.try_emplace(name, value);
        else if (const auto decoded = decode_extended(value))
            extended.try_emplace(name.substr(0, name.size() - 1), *decoded);
    }
    for (auto &[name, value] : extended)
        field.parameters[name] = value;
    return field;
}

std::vector<std::string_view> split_list(std::string_view text)
{
    std::vector<std::string_view> elements;
    bool quoted = false;
    std::size_t start = 0;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        if (i < text.size() && text[i] == '"')
            quoted = !quoted;
        if (i < text.size() && (quoted || text[i] != ','))
            continue;
        if (const auto element = without_blanks(text.substr(start, i - start)); !element.empty())
            elements.push_back(element);
        start = i + 1;
    }
    return elements;
}

std::size_t unescape(char *text)
{
    char *out = text;
    for (const char *in = text; *in;) {
        const bool escape = in[0] == '%' && g_ascii_isxdigit(in[1]) && g_ascii_isxdigit(in[2]);
        const int byte = escape ? g_ascii_xdigit_value(in[1]) * 16 + g_ascii_xdigit_value(in[2]) : 0;
        if (byte == 0) {
            *out++ = *in++;
        } else {
            *out++ = static_cast<char>(byte);
            in += 3;
        }
    }
    *out = '\0';
    return static_cast<std::size_t>(out - text);
}

std::string path_of_target(const std::string &target)
{
    for (const char *scheme : {"http://", "https://"})
        if (g_ascii_strncasecmp(target.c_str(), scheme, std::strlen(scheme)) == 0) {
            const auto slash = target.find('/', std::strlen(scheme));
            return slash == std::string::npos ? "/" : target.substr(slash);
        }
    return target;
}

} // namespace anime::service
