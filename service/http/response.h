// SPDX-License-Identifier: LGPL-2.1-or-later
// An HTTP answer as plain data, before libmicrohttpd sees it.
#pragma once

#include "service/descriptor.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace anime::service
{

/// Bytes that something else keeps: a resource of the binary, a picture.
struct SharedBody {
    const void *data = nullptr;
    std::size_t size = 0;
    std::shared_ptr<const void> owner; ///< null for what lives as long as the process
};

/// Part of an open file.
struct FileBody {
    Descriptor file;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
};

/// Text around bytes in base64, encoded while it is sent so that no copy of it exists.
struct Base64Body {
    std::string before;
    std::shared_ptr<const std::vector<std::uint8_t>> data;
    std::string after;

    std::uint64_t size() const { return before.size() + (data->size() + 2) / 3 * 4 + after.size(); }
    /// Writes at most `most` bytes from `position` on, returns how many.
    std::size_t read(std::uint64_t position, char *out, std::size_t most) const;
};

/// Server-sent events: the next text, an empty one if there is none yet, nothing at the end.
struct EventBody {
    std::function<std::optional<std::string>()> next;
};

/// Of an answer that has none, the size of what another one has: for 304 (RFC 9110, 8.6).
struct AbsentBody {
    std::uint64_t size = 0;
};

/// Movable only, as it may own an open file.
struct Response {
    int status = 200;
    std::vector<std::pair<std::string, std::string>> headers;
    std::variant<std::string, SharedBody, FileBody, Base64Body, EventBody, AbsentBody> body;
    std::string code; ///< the handler's own word for it, which completed() finds in its Transfer

    Response &header(std::string name, std::string value)
    {
        headers.emplace_back(std::move(name), std::move(value));
        return *this;
    }
};

/// The whole answer as it goes over the wire, for one that has to be sent before the request is complete.
/// Closes the connection. Only for answers whose body is a string.
std::string wire_format(const Response &response);

/// The reason phrase of a status that this project uses.
const char *reason_phrase(int status);

} // namespace anime::service
