// SPDX-License-Identifier: LGPL-2.1-or-later
// One request on its way through the server, and what answers it.
#pragma once

#include "service/http/connections.h"
#include "service/http/response.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace anime::service
{

/// What is known of a request once its head is there.
struct RequestHead {
    std::string id; ///< the client's X-Request-ID if it is harmless, else a new one; every answer has it
    std::string method;
    std::string path; ///< without its host if it had one, escapes decoded
    std::map<std::string, std::string> query;
    std::map<std::string, std::string> headers; ///< names in lower case
    std::string peer;                           ///< address at the other end of the connection
    bool over_connection_limit = false;
    std::optional<std::uint64_t> declared_bytes; ///< of the body; nothing if it comes in chunks
    std::chrono::steady_clock::time_point started;

    std::string header(const std::string &name) const
    {
        const auto found = headers.find(name);
        return found == headers.end() ? std::string() : found->second;
    }
};

/// What became of a request.
struct Transfer {
    std::uint64_t received_bytes = 0; ///< of the body
    std::uint64_t sent_bytes = 0;
    int status = 0;         ///< 0: the client got no answer
    bool late = false;      ///< late() was sent
    bool abandoned = false; ///< the client hung up while its answer was being made
    bool delivered = false; ///< the whole answer went out
    std::string code;       ///< Response::code
};

/// Why the server itself refuses a request.
enum class Refusal {
    framing, ///< it could be read as another one by a proxy in front (RFC 9112, 6.3)
    host,    ///< more than one Host
    target,  ///< more options, or a longer target, than is allowed
    failure, ///< an exception ended it
};

/// Made by a Handler for each request. Everything is called in the server's one thread; nothing may wait.
class Exchange
{
public:
    explicit Exchange(RequestHead head) : head(std::move(head)) {}
    virtual ~Exchange() = default;
    Exchange(const Exchange &) = delete;
    Exchange &operator=(const Exchange &) = delete;

    /// The head is there: an answer, or nothing to go on with the body.
    virtual std::optional<Response> begin() = 0;
    /// Some of the body: an answer, if there can't be another one any more.
    virtual std::optional<Response> feed(std::string_view) { return std::nullopt; }
    /// The request is there. Nothing: it sleeps until it is woken or `wake_at`.
    virtual std::optional<Response> finish() = 0;
    /// It was woken. The same again.
    virtual std::optional<Response> resume() { return finish(); }
    /// What is answered when the body is late. Made before that is known.
    virtual Response late() const = 0;
    virtual Response refused(Refusal why, const std::string &detail) = 0;
    /// The last call: the answer was sent, or never will be.
    virtual void completed() = 0;

    const RequestHead head;
    Transfer transfer;                                                             ///< the server's
    std::chrono::steady_clock::time_point wake_at;                                 ///< the handler's
    const std::shared_ptr<Suspension> suspension = std::make_shared<Suspension>(); ///< whoever wakes it
};

class Handler
{
public:
    virtual ~Handler() = default;
    virtual std::unique_ptr<Exchange> open(RequestHead head) = 0;
    /// Something that is no HTTP, or has a head that is too large, was answered by libmicrohttpd. `peer` is
    /// empty where it can't be known.
    virtual void refused_head(const std::string &peer, int status) = 0;
};

} // namespace anime::service
