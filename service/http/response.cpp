// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/http/response.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace anime::service
{

namespace
{

/// The four characters of the group of three bytes at `group`.
std::array<char, 4> encode_group(const std::vector<std::uint8_t> &data, std::size_t group)
{
    static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const std::size_t at = group * 3;
    const std::size_t left = data.size() - at;
    const unsigned value =
        data[at] << 16 | (left > 1 ? data[at + 1] << 8 : 0) | (left > 2 ? data[at + 2] : 0);
    return {digits[value >> 18], digits[value >> 12 & 63], left > 1 ? digits[value >> 6 & 63] : '=',
            left > 2 ? digits[value & 63] : '='};
}

} // namespace

std::size_t Base64Body::read(std::uint64_t position, char *out, std::size_t most) const
{
    const std::size_t encoded = (data->size() + 2) / 3 * 4;
    std::size_t written = 0;
    const auto copy = [&](const std::string &text, std::uint64_t start) {
        if (position < start || position >= start + text.size())
            return;
        const std::size_t from = position - start;
        const std::size_t count = std::min(most - written, text.size() - from);
        std::memcpy(out + written, text.data() + from, count);
        written += count;
        position += count;
    };
    copy(before, 0);
    while (written < most && position >= before.size() && position < before.size() + encoded) {
        const std::size_t at = position - before.size();
        const std::array<char, 4> group = encode_group(*data, at / 4);
        out[written++] = group[at % 4];
        ++position;
    }
    copy(after, before.size() + encoded);
    return written;
}

std::string wire_format(const Response &response)
{
    const std::string &body = std::get<std::string>(response.body);
    std::string text =
        "HTTP/1.1 " + std::to_string(response.status) + " " + reason_phrase(response.status) + "\r\n";
    for (const auto &[name, value] : response.headers)
        text += name + ": " + value + "\r\n";
    text += "Connection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    return text + body;
}

const char *reason_phrase(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 202:
        return "Accepted";
    case 204:
        return "No Content";
    case 304:
        return "Not Modified";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 406:
        return "Not Acceptable";
    case 408:
        return "Request Timeout";
    case 409:
        return "Conflict";
    case 410:
        return "Gone";
    case 413:
        return "Content Too Large";
    case 414:
        return "URI Too Long";
    case 415:
        return "Unsupported Media Type";
    case 422:
        return "Unprocessable Content";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 503:
        return "Service Unavailable";
    case 504:
        return "Gateway Timeout";
    default:
        return "Internal Server Error";
    }
}

} // namespace anime::service
