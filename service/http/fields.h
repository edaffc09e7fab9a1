// SPDX-License-Identifier: LGPL-2.1-or-later
// Parts of header fields: parameters, qualities, media types (RFC 9110).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace anime::service
{

/// `form-data; name="file"; filename=me.jpg`: the value in lower case, and its parameters, names in lower
/// case. Of two with one name the first counts. A parameter NAME* (RFC 8187) in UTF-8 is decoded and stands
/// for NAME.
struct FieldValue {
    std::string value;
    std::map<std::string, std::string> parameters;

    const std::string *parameter(const std::string &name) const
    {
        const auto found = parameters.find(name);
        return found == parameters.end() ? nullptr : &found->second;
    }
};
FieldValue parse_field_value(std::string_view text);

/// The elements of a comma-separated list, of which none is cut within a quoted string.
std::vector<std::string_view> split_list(std::string_view text);

/// Escapes of a URL decoded in place, but for %00, which no C string can hold and which so stays as it is.
std::size_t unescape(char *text);

/// A target in absolute form (http://host/path) is the path behind its host.
std::string path_of_target(const std::string &target);

} // namespace anime::service
