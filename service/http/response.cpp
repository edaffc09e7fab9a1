// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/http/response.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstring>

namespace anime::service
{

namespace
{

/// The four characters of the group of three bytes at `group`.
std::array<char, 4> encode_group(const Bytes &data, std::size_t group)
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

Response json_response(int status, const nlohmann::ordered_json &body)
{
    Response response;
    response.status = status;
    response.header("Content-Type", "application/json");
    response.header("Cache-Control", "no-store");
    response.body = body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
    return response;
}

Response problem_response(const Problem &problem, const std::string &request_id, const std::string &instance)
{
    Response response = json_response(problem.status, to_json(problem, request_id, instance));
    response.headers.front().second = "application/problem+json";
    if (problem.retry_after > 0)
        response.header("Retry-After", std::to_string(problem.retry_after));
    response.code = problem.code;
    return response;
}

std::vector<std::pair<std::string, std::string>> common_headers(const std::string &request_id)
{
    return {{"X-Request-ID", request_id}, {"X-Content-Type-Options", "nosniff"}};
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

} // namespace anime::service
