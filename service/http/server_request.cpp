// SPDX-License-Identifier: LGPL-2.1-or-later
// A request's way from its head to its answer, and what of its body is still taken in behind a refusal.
#include "service/http/server_request.h"

#include "service/http/mhd_response.h"
#include "service/http/request_head.h"

#include <microhttpd.h>

#include <algorithm>
#include <utility>

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

void add_common_headers(Response &response, const std::string &id)
{
    response.header("X-Request-ID", id);
    response.header("X-Content-Type-Options", "nosniff");
}

} // namespace

void HttpServer::check_target(Connection &connection, const char *target)
{
    const std::string fault = target_fault(target);
    if (fault.empty())
        return;
    RequestHead head = head_of_target(target);
    head.peer = connection.client;
    Request request;
    request.connection = &connection;
    request.exchange = handler_.open(std::move(head));
    refuse(request, request.exchange->refused(Refusal::target, fault));
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
