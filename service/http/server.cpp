// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/http/server.h"

#include "service/http/address.h"
#include "service/http/mhd_response.h"
#include "service/text.h"

#include <glib.h>
#include <microhttpd.h>
#include <netdb.h>
#include <sys/socket.h>

#include <charconv>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <set>
#include <stdexcept>

namespace anime::service
{

namespace
{

using Clock = std::chrono::steady_clock;

/// What is still read of a body that was refused, so that its sender sees the answer and not a reset.
constexpr std::uint64_t most_drained_bytes = 256 << 10;
/// How long a sender that has not stopped by then keeps its connection.
constexpr std::chrono::seconds refuse_time{2};
/// Beyond this a head is refused by libmicrohttpd.
constexpr std::size_t connection_memory = 32 << 10;
constexpr std::size_t thread_stack = 256 << 10;

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
    std::map<std::string, std::string> &values;
    Carrier carrier = {};
};

/// A request that a proxy in front could read as another one than libmicrohttpd does (RFC 9112, 6.3).
std::optional<Problem> framing_problem(const Headers &headers, std::string_view version)
{
    std::string what;
    for (const char *single : {"host", "content-length", "content-type", "transfer-encoding"})
        if (headers.repeated.contains(single))
            what = std::string("more than one ") + single;
    const auto encoding = headers.values.find("transfer-encoding");
    if (encoding != headers.values.end()) {
        if (headers.values.contains("content-length"))
            what = "both content-length and transfer-encoding";
        else if (g_ascii_strcasecmp(encoding->second.c_str(), "chunked") != 0 ||
                 version != MHD_HTTP_VERSION_1_1)
            what = "a transfer-encoding that is not possible here";
    }
    if (what.empty())
        return std::nullopt;
    return make_problem("header-invalid", "The request has " + what + ".",
                        "Send one Content-Length, or Transfer-Encoding: chunked over HTTP/1.1.");
}

struct AddressList {
    addrinfo *first = nullptr;
    ~AddressList()
    {
        if (first)
            freeaddrinfo(first);
    }
};

} // namespace

struct HttpServer::Request {
    explicit Request(Handler &handler) : own(handler.new_exchange()), exchange(*own) {}

    const std::unique_ptr<Exchange> own;
    Exchange &exchange;
    Connection *connection = nullptr;
    std::optional<Response> early; ///< answers the request whatever its body is
    bool refused = false;          ///< that was sent already
    bool begun = false;
    std::uint64_t discarded = 0;
};

/// What libmicrohttpd calls. Each stands behind the wall.
struct ServerCallbacks {
    static HttpServer &of(void *self) { return *static_cast<HttpServer *>(self); }

    static MHD_Result accept(void *self, const sockaddr *address, socklen_t)
    {
        return behind_wall("accepting a connection", of(self).settings_.complain, MHD_NO, [&] {
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
                if (*context)
                    table.close(static_cast<Connection *>(std::exchange(*context, nullptr)));
                return;
            }
            const auto *socket = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
            const auto *peer = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
            *context = table.open(socket->connect_fd, canonical_address(peer->client_addr), Clock::now());
        });
    }

    static MHD_Result request(void *self, MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *data, std::size_t *size, void **context)
    {
        HttpServer &server = of(self);
        try {
            if (*context)
                return static_cast<MHD_Result>(
                    server.serve(*static_cast<HttpServer::Request *>(*context), connection, data, size));
            auto *request = new HttpServer::Request(server.handler_);
            *context = request;
            request->connection = static_cast<Connection *>(
                MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context);
            if (!request->connection)
                return MHD_NO;
            server.start_request(*request, connection, method, url, version);
            // An answer before the body is only sent here to a client that waits for one (Expect:
            // 100-continue); others get it once they have sent a little more.
            if (request->early && !request->refused && request->exchange.header("expect") == "100-continue")
                return static_cast<MHD_Result>(server.send(*request, connection, std::move(*request->early)));
            return MHD_YES;
        } catch (...) {
            complain_of_exception("a request", server.settings_.complain);
            if (*context)
                server.answer_exception(*static_cast<HttpServer::Request *>(*context));
            return MHD_NO;
        }
    }

    static void completed(void *self, MHD_Connection *, void **context, MHD_RequestTerminationCode reason)
    {
        const std::unique_ptr<HttpServer::Request> request(
            static_cast<HttpServer::Request *>(std::exchange(*context, nullptr)));
        if (!request)
            return;
        request->exchange.suspension->end();
        behind_wall("the end of a request", of(self).settings_.complain,
                    [&] { of(self).complete(*request, reason == MHD_REQUEST_TERMINATED_COMPLETED_OK); });
        if (request->connection)
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
            of(self).settings_.log(message);
        });
    }

    static MHD_Result add_header(void *self, MHD_ValueKind, const char *name, const char *value)
    {
        auto &headers = *static_cast<Headers *>(self);
        return headers.carrier.carry([&] { headers.add(name, value); }) ? MHD_YES : MHD_NO;
    }

    static MHD_Result add_query(void *self, MHD_ValueKind, const char *name, const char *value)
    {
        auto &query = *static_cast<Query *>(self);
        return query.carrier.carry([&] { query.values[name] = value ? value : ""; }) ? MHD_YES : MHD_NO;
    }
};

HttpServer::HttpServer(const ServerSettings &settings, Handler &handler)
    : settings_(settings), handler_(handler),
      connections_(settings.most_connections_per_client, settings.header_timeout, settings.trusted,
                   settings.expired)
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
        MHD_OPTION_NOTIFY_COMPLETED, ServerCallbacks::completed, this, MHD_OPTION_CONNECTION_LIMIT,
        static_cast<unsigned>(settings.most_connections), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        connection_memory, MHD_OPTION_CONNECTION_TIMEOUT, 0U, MHD_OPTION_THREAD_STACK_SIZE, thread_stack,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
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

void HttpServer::start_request(Request &request, MHD_Connection *connection, const char *method,
                               const char *url, const char *version)
{
    Exchange &exchange = request.exchange;
    exchange.request_id = random_id(); // until its headers are read
    exchange.method = method;
    exchange.path = url;
    exchange.peer = request.connection->client;
    exchange.over_connection_limit = request.connection->over_limit;
    exchange.started = Clock::now();
    Headers headers;
    MHD_get_connection_values(connection, MHD_HEADER_KIND, ServerCallbacks::add_header, &headers);
    headers.carrier.rethrow();
    const auto ambiguity = framing_problem(headers, version);
    exchange.headers = std::move(headers.values);
    if (const std::string wanted = exchange.header("x-request-id"); valid_id(wanted))
        exchange.request_id = wanted;
    Query query{exchange.query};
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, ServerCallbacks::add_query, &query);
    query.carrier.rethrow();
    if (!exchange.headers.contains("transfer-encoding")) {
        // libmicrohttpd refuses a length that is no number.
        const std::string text = exchange.header("content-length");
        std::uint64_t length = 0;
        std::from_chars(text.data(), text.data() + text.size(), length);
        exchange.declared_bytes = length;
    }

    request.early = handler_.begin(exchange);
    if (ambiguity && !request.early)
        request.early = handler_.refused(exchange, *ambiguity);
    connections_.enter(request.connection, Phase::body, exchange.started + settings_.body_timeout);
    connections_.set_late_answer(request.connection, wire_format(handler_.late(exchange)));
    if (!request.early && exchange.upload && !exchange.upload->start(connection))
        request.early = handler_.refused(
            exchange, make_problem("multipart-invalid", "The form has no usable boundary.",
                                   "Let your HTTP library write the Content-Type of the form."));
    const bool long_body = exchange.declared_bytes.value_or(UINT64_MAX) > most_drained_bytes;
    if (ambiguity || (request.early && long_body && exchange.header("expect") != "100-continue"))
        refuse(request, std::move(*request.early));
}

void HttpServer::refuse(Request &request, Response response)
{
    request.early = std::move(response);
    request.refused = true;
    request.exchange.status = request.early->status;
    request.exchange.code = request.early->code;
    connections_.refuse(request.connection, wire_format(*request.early), Clock::now() + refuse_time);
}

/// Whoever asked is told, if there is memory for it.
void HttpServer::answer_exception(Request &request) noexcept
{
    behind_wall("the answer to a request that failed", settings_.complain, [&] {
        if (!request.connection || request.refused || request.exchange.status != 0)
            return;
        refuse(request, handler_.refused(request.exchange,
                                         make_problem("service-failed", "The service failed at this request.",
                                                      "Try again in a moment; if it stays so, tell the "
                                                      "operator the request id.",
                                                      5)));
    });
}

void HttpServer::complete(Request &request, bool delivered)
{
    Exchange &exchange = request.exchange;
    exchange.delivered = delivered;
    if (request.connection && exchange.status == 0 && connections_.is_late(request.connection)) {
        exchange.status = 408;
        exchange.code = "body-slow";
    } else if (exchange.status == 0 && request.begun) {
        handler_.abandoned(exchange);
    }
    handler_.completed(exchange);
}

int HttpServer::serve(Request &request, MHD_Connection *connection, const char *data, std::size_t *size)
{
    Exchange &exchange = request.exchange;
    if (*size == 0)
        return body_complete(request, connection);

    if (request.refused && request.discarded > most_drained_bytes) {
        // Reads no more, and leaves the sender a moment to notice the answer. What came now stays where it
        // is: with all of it taken, libmicrohttpd would hand out the next chunk to the sleeping connection.
        if (!connections_.enter(request.connection, Phase::refuse, Clock::now() + refuse_time,
                                exchange.suspension))
            return MHD_NO;
        return exchange.suspension->sleep(connection) ? MHD_YES : MHD_NO;
    }
    exchange.received_bytes += *size;
    if (!request.early && exchange.upload) {
        if (auto problem = exchange.upload->feed(data, *size)) {
            request.early = handler_.refused(exchange, *problem);
            const std::uint64_t left = exchange.declared_bytes.value_or(UINT64_MAX) - exchange.received_bytes;
            if (left > most_drained_bytes)
                refuse(request, std::move(*request.early));
        }
    } else {
        request.discarded += *size;
    }
    *size = 0;
    return MHD_YES;
}

int HttpServer::body_complete(Request &request, MHD_Connection *connection)
{
    Exchange &exchange = request.exchange;
    if (request.refused)
        return MHD_NO;
    if (request.early)
        return send(request, connection, std::move(*request.early));
    if (!request.begun) {
        request.begun = true;
        if (!connections_.enter(request.connection, Phase::work, Clock::now() + settings_.send_timeout))
            return MHD_NO;
        if (exchange.upload)
            if (auto problem = exchange.upload->finish())
                return send(request, connection, handler_.refused(exchange, *problem));
    }
    while (true) {
        if (connections_.is_gone(request.connection))
            return MHD_NO;
        if (auto response = handler_.finish(exchange))
            return send(request, connection, std::move(*response));
        if (!connections_.enter(request.connection, Phase::work, exchange.wake_at, exchange.suspension))
            return MHD_NO;
        if (exchange.suspension->sleep(connection))
            return MHD_YES;
    }
}

int HttpServer::send(Request &request, MHD_Connection *connection, Response response)
{
    request.exchange.status = response.status;
    request.exchange.code = response.code;
    const bool events = std::holds_alternative<EventBody>(response.body);
    const std::uint64_t size = body_size(response);
    request.exchange.sent_bytes = size;
    const auto time =
        events ? settings_.events_timeout : settings_.send_timeout + std::chrono::seconds(size >> 16);
    if (!connections_.enter(request.connection, events ? Phase::events : Phase::send, Clock::now() + time,
                            events ? request.exchange.suspension : nullptr))
        return MHD_NO;
    return queue_response(
        connection, std::move(response),
        {request.exchange.suspension,
         [table = &connections_, entry = request.connection] { return table->is_gone(entry); },
         settings_.complain});
}

} // namespace anime::service
