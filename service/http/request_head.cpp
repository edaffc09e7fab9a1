// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/http/request_head.h"

#include "service/http/fields.h"
#include "service/http/wall.h"
#include "service/text.h"

#include <glib.h>
#include <microhttpd.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

namespace anime::service
{

namespace
{

using Clock = std::chrono::steady_clock;

/// libmicrohttpd keeps about 80 bytes of each option in a connection's memory, and has no answer left when
/// that is full.
constexpr int most_options = 64;
constexpr std::size_t most_target_bytes = 8 << 10;

struct Headers {
    std::map<std::string, std::string> values; ///< names in lower case
    std::set<std::string> repeated;
    Carrier carrier;

    void add(const char *name, const char *value)
    {
        std::string lower(name);
        for (char &c : lower)
            c = g_ascii_tolower(c);
        const auto [at, first] = values.try_emplace(lower, value ? value : "");
        if (!first) { // lines of one name are one list (RFC 9110, 5.3)
            at->second += std::string(", ") + (value ? value : "");
            repeated.insert(lower);
        }
    }
};

struct Query {
    std::map<std::string, std::string> values;
    Carrier carrier;
};

MHD_Result add_header(void *self, MHD_ValueKind, const char *name, const char *value)
{
    auto &headers = *static_cast<Headers *>(self);
    return headers.carrier.carry([&] { headers.add(name, value); }) ? MHD_YES : MHD_NO;
}

MHD_Result add_query(void *self, MHD_ValueKind, const char *name, const char *value)
{
    auto &query = *static_cast<Query *>(self);
    return query.carrier.carry([&] { query.values[name] = value ? value : ""; }) ? MHD_YES : MHD_NO;
}

std::string framing_fault(const Headers &headers, std::string_view version)
{
    for (const char *single : {"content-length", "content-type", "transfer-encoding"})
        if (headers.repeated.contains(single))
            return std::string("more than one ") + single;
    const auto encoding = headers.values.find("transfer-encoding");
    if (encoding == headers.values.end())
        return {};
    if (headers.values.contains("content-length"))
        return "both content-length and transfer-encoding";
    if (g_ascii_strcasecmp(encoding->second.c_str(), "chunked") != 0 || version != MHD_HTTP_VERSION_1_1)
        return "a transfer-encoding that is not possible here";
    return {};
}

std::optional<std::uint64_t> declared_bytes(const Headers &headers)
{
    if (headers.values.contains("transfer-encoding"))
        return std::nullopt;
    const auto text = headers.values.find("content-length");
    std::uint64_t length = 0; // libmicrohttpd refuses one that is no number
    if (text != headers.values.end())
        std::from_chars(text->second.data(), text->second.data() + text->second.size(), length);
    return length;
}

} // namespace

ReadHead read_head(MHD_Connection *connection, const char *url, const char *method, const char *version)
{
    Headers headers;
    MHD_get_connection_values(connection, MHD_HEADER_KIND, add_header, &headers);
    headers.carrier.rethrow();
    Query query;
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, add_query, &query);
    query.carrier.rethrow();

    ReadHead read;
    read.framing_fault = framing_fault(headers, version);
    read.two_hosts = headers.repeated.contains("host");
    RequestHead &head = read.head;
    head.method = method;
    head.path = path_of_target(url);
    head.started = Clock::now();
    head.query = std::move(query.values);
    head.declared_bytes = declared_bytes(headers);
    head.headers = std::move(headers.values);
    head.id = head.header("x-request-id");
    if (!valid_id(head.id))
        head.id = random_id();
    return read;
}

std::string target_fault(std::string_view target)
{
    const auto query = target.find('?');
    const auto options =
        query == std::string_view::npos ? 0 : 1 + std::count(target.begin() + query, target.end(), '&');
    if (options > most_options)
        return "The request has " + std::to_string(options) + " options, and at most " +
               std::to_string(most_options) + " are read.";
    if (target.size() > most_target_bytes)
        return "The request's address has " + std::to_string(target.size()) + " bytes, and at most " +
               std::to_string(most_target_bytes) + " are read.";
    return {};
}

RequestHead head_of_target(std::string_view target)
{
    RequestHead head;
    head.id = random_id();
    head.path = path_of_target(std::string(target.substr(0, std::min(target.find('?'), most_target_bytes))));
    head.started = Clock::now();
    return head;
}

} // namespace anime::service
