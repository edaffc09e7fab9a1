// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/http/server.h"

#include "service/http/address.h"
#include "service/http/fields.h"
#include "service/http/request_head.h"
#include "service/http/server_request.h"

#include <microhttpd.h>
#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <stdexcept>

namespace anime::service
{

namespace
{

using Clock = std::chrono::steady_clock;

/// Beyond this a head is refused by libmicrohttpd.
constexpr std::size_t connection_memory = 32 << 10;
constexpr std::size_t thread_stack = 256 << 10;
/// libmicrohttpd accepts no connection beyond its limit, so one that came too many has to be inside of it.
constexpr std::size_t spare_connections = 16;

struct AddressList {
    addrinfo *first = nullptr;
    ~AddressList()
    {
        if (first)
            freeaddrinfo(first);
    }
};

} // namespace

/// What libmicrohttpd calls. Each stands behind the wall.
struct ServerCallbacks {
    static HttpServer &of(void *self) { return *static_cast<HttpServer *>(self); }

    static Connection *entry_of(MHD_Connection *connection)
    {
        return static_cast<Connection *>(
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context);
    }

    static MHD_Result accept(void *self, const sockaddr *address, socklen_t)
    {
        return behind_wall("accepting a connection", of(self).settings_.complain, MHD_NO, [&] {
            of(self).tell_of_refused_head(nullptr);
            return of(self).connections_.admits(canonical_address(address)) ? MHD_YES : MHD_NO;
        });
    }

    /// Leaves the context null if it fails: such a connection gets no further.
    static void connection(void *self, MHD_Connection *connection, void **context,
                           MHD_ConnectionNotificationCode event)
    {
        behind_wall("a connection", of(self).settings_.complain, [&] {
            ConnectionTable &table = of(self).connections_;
            if (event == MHD_CONNECTION_NOTIFY_CLOSED) {
                auto *closing = static_cast<Connection *>(std::exchange(*context, nullptr));
                of(self).tell_of_refused_head(closing);
                if (closing)
                    table.close(closing);
                return;
            }
            const auto *socket = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
            const auto *peer = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
            *context = table.open(socket->connect_fd, canonical_address(peer->client_addr), Clock::now());
        });
    }

    /// The target as it was sent, before libmicrohttpd takes it apart.
    static void *target(void *self, const char *target, MHD_Connection *connection)
    {
        behind_wall("a request's target", of(self).settings_.complain, [&] {
            of(self).tell_of_refused_head(nullptr);
            if (Connection *entry = entry_of(connection))
                of(self).check_target(*entry, target);
        });
        return nullptr;
    }

    static MHD_Result request(void *self, MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *data, std::size_t *size, void **context)
    {
        HttpServer &server = of(self);
        try {
            server.tell_of_refused_head(nullptr);
            if (*context)
                return static_cast<MHD_Result>(server.continue_body(
                    *static_cast<HttpServer::Request *>(*context), connection, data, size));
            Connection *entry = entry_of(connection);
            if (!entry || server.connections_.is_refused(entry))
                return MHD_NO;
            return start(server, *entry, connection, url, method, version, context);
        } catch (...) {
            complain_of_exception("a request", server.settings_.complain);
            if (*context)
                server.answer_exception(*static_cast<HttpServer::Request *>(*context));
            return MHD_NO;
        }
    }

    static MHD_Result start(HttpServer &server, Connection &entry, MHD_Connection *connection,
                            const char *url, const char *method, const char *version, void **context)
    {
        ReadHead read = read_head(connection, url, method, version);
        read.head.peer = entry.client;
        read.head.over_connection_limit = entry.over_limit;
        auto request = std::make_unique<HttpServer::Request>();
        request->connection = &entry;
        request->exchange = server.handler_.open(std::move(read.head));
        *context = request.get();
        HttpServer::Request &started = *request.release();
        return static_cast<MHD_Result>(server.start(started, connection, read.framing_fault, read.two_hosts));
    }

    static void completed(void *self, MHD_Connection *, void **context, MHD_RequestTerminationCode reason)
    {
        const std::unique_ptr<HttpServer::Request> request(
            static_cast<HttpServer::Request *>(std::exchange(*context, nullptr)));
        if (!request)
            return;
        request->exchange->suspension->end();
        behind_wall("the end of a request", of(self).settings_.complain, [&] {
            of(self).tell_of_refused_head(nullptr);
            of(self).complete(*request, reason == MHD_REQUEST_TERMINATED_COMPLETED_OK);
        });
        of(self).connections_.back_to_head(request->connection, Clock::now());
    }

    static void log(void *self, const char *format, va_list arguments)
    {
        behind_wall("a line of the log", of(self).settings_.complain, [&] {
            std::array<char, 512> text{};
            std::vsnprintf(text.data(), text.size(), format, arguments);
            std::string message(text.data());
            while (!message.empty() && message.back() == '\n')
                message.pop_back();
            // It tells of what it refuses by itself here alone, while it is at the connection in question.
            static constexpr std::string_view refusal = "HTTP response code is ";
            if (const auto at = message.find(refusal); at != std::string::npos)
                of(self).refused_head_ = std::atoi(message.c_str() + at + refusal.size());
            of(self).settings_.log(message);
        });
    }

    static std::size_t unescape(void *, MHD_Connection *, char *text)
    {
        return anime::service::unescape(text);
    }
};

HttpServer::HttpServer(const ServerSettings &settings, Handler &handler)
    : settings_(settings), handler_(handler),
      connections_(settings.most_connections, settings.most_connections_per_client, settings.header_timeout,
                   settings.trusted, settings.expired)
{
    AddressList addresses;
    addrinfo hints{};
    hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV;
    hints.ai_socktype = SOCK_STREAM;
    const std::string port = std::to_string(settings.port);
    if (getaddrinfo(settings.address.c_str(), port.c_str(), &hints, &addresses.first) != 0)
        throw std::runtime_error("'" + settings.address + "' is not an IP address");

    // Not epoll: libmicrohttpd 0.9.75 uses it edge-triggered, and doesn't look again after a segment that
    // brings the last bytes and the end of a connection at once, which then stays open until its deadline.
    unsigned flags = MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    if (addresses.first->ai_family == AF_INET6)
        flags |= MHD_USE_DUAL_STACK;
    daemon_ = MHD_start_daemon(
        flags, settings.port, ServerCallbacks::accept, this, ServerCallbacks::request, this,
        MHD_OPTION_EXTERNAL_LOGGER, ServerCallbacks::log, this, MHD_OPTION_SOCK_ADDR,
        addresses.first->ai_addr, MHD_OPTION_NOTIFY_CONNECTION, ServerCallbacks::connection, this,
        MHD_OPTION_NOTIFY_COMPLETED, ServerCallbacks::completed, this, MHD_OPTION_URI_LOG_CALLBACK,
        ServerCallbacks::target, this, MHD_OPTION_UNESCAPE_CALLBACK, ServerCallbacks::unescape, this,
        MHD_OPTION_CONNECTION_LIMIT, static_cast<unsigned>(settings.most_connections + spare_connections),
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_memory, MHD_OPTION_CONNECTION_TIMEOUT, 0U,
        MHD_OPTION_THREAD_STACK_SIZE, thread_stack, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    if (!daemon_)
        throw std::runtime_error("can't listen on " + settings.address + " port " + port + ": " +
                                 std::strerror(errno));
    port_ = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_BIND_PORT)->port;
}

HttpServer::~HttpServer()
{
    const MHD_socket listening = MHD_quiesce_daemon(daemon_);
    connections_.wake_all();
    MHD_stop_daemon(daemon_);
    if (listening != MHD_INVALID_SOCKET)
        ::close(listening);
}

/// The line that tells of it comes right before the end of its connection; if something else comes first, it
/// is not known whose it was.
void HttpServer::tell_of_refused_head(const Connection *closing)
{
    if (refused_head_ == 0)
        return;
    const int status = std::exchange(refused_head_, 0);
    handler_.refused_head(closing && connections_.is_at_head(closing) ? closing->client : std::string(),
                          status);
}

} // namespace anime::service
