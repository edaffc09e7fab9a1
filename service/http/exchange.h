// SPDX-License-Identifier: LGPL-2.1-or-later
// One request on its way through the service, and what answers it.
#pragma once

#include "service/http/connections.h"
#include "service/http/response.h"
#include "service/http/upload.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace anime::service
{

/// A handler may add what it needs to know.
struct Exchange {
    Exchange() = default;
    virtual ~Exchange() = default;
    Exchange(const Exchange &) = delete;
    Exchange &operator=(const Exchange &) = delete;

    std::string method;
    std::string path;
    std::map<std::string, std::string> query;
    std::map<std::string, std::string> headers; ///< names in lower case
    std::string peer;                           ///< address at the other end of the connection
    bool over_connection_limit = false;
    std::optional<std::uint64_t> declared_bytes; ///< of the body; nothing if it comes in chunks
    std::chrono::steady_clock::time_point started;
    std::string request_id; ///< the client's X-Request-ID if it is harmless, else a new one

    // Set by the handler.
    std::unique_ptr<Upload> upload;
    std::chrono::steady_clock::time_point wake_at; ///< with no answer by then, finish() is asked again
    std::shared_ptr<Suspension> suspension = std::make_shared<Suspension>();

    // Set by the server.
    std::uint64_t received_bytes = 0;
    int status = 0;
    bool delivered = false; ///< the whole answer went out
    std::string code;       ///< of the problem, if that is the answer
    std::uint64_t sent_bytes = 0;

    std::string header(const std::string &name) const
    {
        const auto found = headers.find(name);
        return found == headers.end() ? std::string() : found->second;
    }
};

/// What the HTTP server calls, always in its one thread; nothing here may wait.
class Handler
{
public:
    virtual ~Handler() = default;
    virtual std::unique_ptr<Exchange> new_exchange() { return std::make_unique<Exchange>(); }
    /// The head is there. An answer, or `exchange.upload` for the body, or nothing for one without a body.
    virtual std::optional<Response> begin(Exchange &exchange) = 0;
    /// The request is there, or the exchange was woken. Nothing: suspend until woken or `wake_at`.
    virtual std::optional<Response> finish(Exchange &exchange) = 0;
    /// What to answer when the body is late.
    virtual Response late(const Exchange &exchange) = 0;
    virtual Response refused(const Exchange &exchange, const Problem &problem) = 0;
    /// The client hung up while its answer was being made.
    virtual void abandoned(Exchange &exchange) = 0;
    /// The last call: the answer was sent, or never will be.
    virtual void completed(const Exchange &exchange) = 0;
};

} // namespace anime::service
