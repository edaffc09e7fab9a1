// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/http/server.h"

#include "service/http/address.h"
#include "service/http/fields.h"
#include "service/http/mhd_response.h"
#include "service/text.h"

#include <glib.h>
#include <microhttpd.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
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

/// As much of a refused body is taken in before its answer, so that the connection goes on.
constexpr std::uint64_t most_kept_bytes = 256 << 10;
/// What is still taken in behind an answer that went out at once: some clients (Python's urllib) read nothing
/// before they have sent everything, and would see a reset in place of it. As nginx's lingering_close.
constexpr std::uint64_t most_drained_bytes = 64 << 20;
constexpr std::chrono::seconds drain_time{10};
constexpr std::chrono::seconds drain_pause{2}; ///< that a sender may make meanwhile
/// Beyond this a head is refused by libmicrohttpd.
constexpr std::size_t connection_memory = 32 << 10;
/// libmicrohttpd keeps about 80 bytes of each option in there, and has no answer left when it is full.
constexpr int most_options = 64;
constexpr std::size_t most_target_bytes = 8 << 10;
constexpr std::size_t thread_stack = 256 << 10;
/// libmicrohttpd accepts no connection beyond its limit, so one that came too many has to be inside of it.
constexpr std::size_t spare_connections = 16;

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

/// What a proxy in front could read as another request than libmicrohttpd does (RFC 9112, 6.3); empty:
/// nothing.
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

void add_common_headers(Response &response, const std::string &id)
{
    response.header("X-Request-ID", id);
    response.header("X-Content-Type-Options", "nosniff");
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
    std::unique_ptr<Exchange> exchange;
    Connection *connection = nullptr;
    std::optional<Response> early; ///< answers the request whatever its body is
    bool refused = false;          ///< that was sent already
    bool begun = false;            ///< the request was complete
    bool finished = false;         ///< Exchange::finish() was asked
    Clock::time_point drained_by;  ///< since it was refused
    std::uint64_t drained = 0;

    bool waits_for_continue() const
    {
        return g_ascii_strcasecmp(exchange->head.header("expect").c_str(), "100-continue") == 0;
    }
};

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
        RequestHead head;
        head.method = method;
        head.path = path_of_target(url);
        head.peer = entry.client;
        head.over_connection_limit = entry.over_limit;
        head.started = Clock::now();
        Headers headers;
        MHD_get_connection_values(connection, MHD_HEADER_KIND, add_header, &headers);
        headers.carrier.rethrow();
        Query query;
        MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, add_query, &query);
        query.carrier.rethrow();
        head.query = std::move(query.values);
        head.declared_bytes = declared_bytes(headers);
        const std::string framing = framing_fault(headers, version);
        const bool two_hosts = headers.repeated.contains("host");
        head.headers = std::move(headers.values);
        head.id = head.header("x-request-id");
        if (!valid_id(head.id))
            head.id = random_id();

        auto request = std::make_unique<HttpServer::Request>();
        request->connection = &entry;
        request->exchange = server.handler_.open(std::move(head));
        *context = request.get();
        HttpServer::Request &started = *request.release();
        return static_cast<MHD_Result>(server.start(started, connection, framing, two_hosts));
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

void HttpServer::check_target(Connection &connection, const char *target)
{
    const std::string_view text(target);
    const auto query = text.find('?');
    const auto options =
        query == std::string_view::npos ? 0 : 1 + std::count(text.begin() + query, text.end(), '&');
    if (options <= most_options && text.size() <= most_target_bytes)
        return;
    RequestHead head;
    head.id = random_id();
    head.path = path_of_target(std::string(text.substr(0, std::min(query, most_target_bytes))));
    head.peer = connection.client;
    head.started = Clock::now();
    const std::string detail = options > most_options
                                   ? "The request has " + std::to_string(options) + " options, and at most " +
                                         std::to_string(most_options) + " are read."
                                   : "The request's address has " + std::to_string(text.size()) +
                                         " bytes, and at most " + std::to_string(most_target_bytes) +
                                         " are read.";
    Request request;
    request.connection = &connection;
    request.exchange = handler_.open(std::move(head));
    refuse(request, request.exchange->refused(Refusal::target, detail));
    request.exchange->completed();
}

int HttpServer::start(Request &request, MHD_Connection *connection, const std::string &framing,
                      bool two_hosts)
{
    Exchange &exchange = *request.exchange;
    request.early = exchange.begin();
    if (!request.early && !framing.empty())
        request.early = exchange.refused(Refusal::framing, "The request has " + framing + ".");
    if (!request.early && two_hosts)
        request.early = exchange.refused(Refusal::host, "The request has more than one host.");
    connections_.enter(request.connection, Phase::body, exchange.head.started + settings_.body_timeout);
    if (exchange.head.declared_bytes != 0) {
        Response late = exchange.late();
        add_common_headers(late, exchange.head.id);
        connections_.set_late_answer(request.connection, wire_format(late));
    }
    const bool long_body = exchange.head.declared_bytes.value_or(UINT64_MAX) > most_kept_bytes;
    // An answer before the body is only sent here to a client that waits for one; others get it once they
    // have sent a little more.
    if (!framing.empty() || two_hosts || (request.early && long_body && !request.waits_for_continue()))
        refuse(request, std::move(*request.early));
    else if (request.early && request.waits_for_continue())
        return send(request, connection, std::move(*request.early));
    return MHD_YES;
}

void HttpServer::refuse(Request &request, Response response)
{
    add_common_headers(response, request.exchange->head.id);
    request.refused = true;
    request.drained_by = Clock::now() + drain_time;
    request.exchange->transfer.status = response.status;
    request.exchange->transfer.code = response.code;
    connections_.refuse(request.connection, wire_format(response), Clock::now() + drain_pause);
}

/// Whoever asked is told, if there is memory for it.
void HttpServer::answer_exception(Request &request) noexcept
{
    behind_wall("the answer to a request that failed", settings_.complain, [&] {
        if (!request.refused && request.exchange->transfer.status == 0)
            refuse(request,
                   request.exchange->refused(Refusal::failure, "The service failed at this request."));
    });
}

void HttpServer::complete(Request &request, bool delivered)
{
    Transfer &transfer = request.exchange->transfer;
    transfer.delivered = delivered;
    if (transfer.status == 0 && connections_.is_late(request.connection)) {
        transfer.late = true;
        transfer.status = 408;
    } else if (transfer.status == 0 && request.begun) {
        transfer.abandoned = true;
    }
    request.exchange->completed();
}

int HttpServer::continue_body(Request &request, MHD_Connection *connection, const char *data,
                              std::size_t *size)
{
    if (*size == 0)
        return body_complete(request, connection);
    if (request.refused)
        return discard(request, connection, size);
    Exchange &exchange = *request.exchange;
    exchange.transfer.received_bytes += *size;
    if (!request.early && (request.early = exchange.feed({data, *size}))) {
        const std::uint64_t left =
            exchange.head.declared_bytes.value_or(UINT64_MAX) - exchange.transfer.received_bytes;
        if (left > most_kept_bytes)
            refuse(request, std::move(*request.early));
    }
    *size = 0;
    return MHD_YES;
}

int HttpServer::discard(Request &request, MHD_Connection *connection, std::size_t *size)
{
    const auto pause = Clock::now() + drain_pause;
    if (request.drained <= most_drained_bytes) {
        request.drained += *size;
        *size = 0;
        return connections_.enter(request.connection, Phase::refuse, std::min(pause, request.drained_by))
                   ? MHD_YES
                   : MHD_NO;
    }
    // Reads no more, and leaves the sender a moment to notice the answer. What came now stays where it is:
    // with all of it taken, libmicrohttpd would hand out the next chunk to the sleeping connection.
    const auto &suspension = request.exchange->suspension;
    if (!connections_.enter(request.connection, Phase::refuse, pause, suspension))
        return MHD_NO;
    return suspension->sleep(connection) ? MHD_YES : MHD_NO;
}

int HttpServer::body_complete(Request &request, MHD_Connection *connection)
{
    if (request.refused)
        return MHD_NO;
    if (request.early)
        return send(request, connection, std::move(*request.early));
    if (!std::exchange(request.begun, true) &&
        !connections_.enter(request.connection, Phase::work, Clock::now() + settings_.send_timeout))
        return MHD_NO;
    Exchange &exchange = *request.exchange;
    while (true) {
        if (connections_.is_gone(request.connection))
            return MHD_NO;
        const bool first = !std::exchange(request.finished, true);
        if (auto response = first ? exchange.finish() : exchange.resume())
            return send(request, connection, std::move(*response));
        if (!connections_.enter(request.connection, Phase::work, exchange.wake_at, exchange.suspension))
            return MHD_NO;
        if (exchange.suspension->sleep(connection))
            return MHD_YES;
    }
}

int HttpServer::send(Request &request, MHD_Connection *connection, Response response)
{
    Exchange &exchange = *request.exchange;
    add_common_headers(response, exchange.head.id);
    const bool events = std::holds_alternative<EventBody>(response.body);
    const std::uint64_t size = body_size(response);
    exchange.transfer.status = response.status;
    exchange.transfer.code = response.code;
    exchange.transfer.sent_bytes = size;
    const auto time =
        events ? settings_.events_timeout : settings_.send_timeout + std::chrono::seconds(size >> 16);
    if (!connections_.enter(request.connection, events ? Phase::events : Phase::send, Clock::now() + time,
                            events ? exchange.suspension : nullptr))
        return MHD_NO;
    return queue_response(
        connection, std::move(response),
        {exchange.suspension,
         [table = &connections_, entry = request.connection] { return table->is_gone(entry); },
         settings_.complain});
}

} // namespace anime::service
