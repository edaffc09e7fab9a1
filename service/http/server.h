// SPDX-License-Identifier: LGPL-2.1-or-later
// libmicrohttpd with absolute deadlines, early refusals that the client sees, and answers that come later.
// One thread serves everything; what waits is suspended. Transport only: what is asked for is the handler's.
#pragma once

#include "service/http/connections.h"
#include "service/http/exchange.h"
#include "service/http/wall.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

struct MHD_Daemon;

namespace anime::service
{

struct ServerSettings {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;
    std::size_t most_connections = 1000;
    std::size_t most_connections_per_client = 64;
    std::chrono::seconds header_timeout{10};
    std::chrono::seconds body_timeout{20};
    std::chrono::seconds send_timeout{25};
    std::chrono::seconds events_timeout{120};
    std::function<bool(const std::string &peer)> trusted = [](const std::string &) { return false; };
    /// Told of each connection that is ended, and in which phase ("evicted": it was idle, and another came).
    std::function<void(const char *phase)> expired = [](const char *) {};
    Complain log = [](const std::string &) {};      ///< what libmicrohttpd has to say
    Complain complain = [](const std::string &) {}; ///< of exceptions, which end at its callbacks
};

class HttpServer
{
public:
    /// Listens. Throws std::runtime_error with the reason if it can't. `handler` outlives the server.
    HttpServer(const ServerSettings &settings, Handler &handler);
    ~HttpServer();
    HttpServer(const HttpServer &) = delete;
    HttpServer &operator=(const HttpServer &) = delete;

    std::uint16_t port() const { return port_; }
    /// Call a few times a second.
    void tick() { connections_.tick(std::chrono::steady_clock::now()); }
    std::size_t connections() const { return connections_.size(); }
    std::size_t busy() const { return connections_.busy(); }

private:
    friend struct ServerCallbacks;
    struct Request;

    // In the server's thread, in the order in which libmicrohttpd calls back.
    void check_target(Connection &connection, const char *target);
    int start(Request &request, MHD_Connection *connection, const std::string &framing, bool two_hosts);
    int continue_body(Request &request, MHD_Connection *connection, const char *data, std::size_t *size);
    int discard(Request &request, MHD_Connection *connection, std::size_t *size);
    int body_complete(Request &request, MHD_Connection *connection);
    int send(Request &request, MHD_Connection *connection, Response response);
    void refuse(Request &request, Response response);
    void answer_exception(Request &request) noexcept;
    void complete(Request &request, bool delivered);
    void tell_of_refused_head(const Connection *closing);

    const ServerSettings settings_;
    Handler &handler_;
    ConnectionTable connections_;
    MHD_Daemon *daemon_ = nullptr;
    std::uint16_t port_ = 0;
    int refused_head_ = 0; ///< status of a head that libmicrohttpd has just refused, until it is known whose
};

} // namespace anime::service
