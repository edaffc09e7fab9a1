// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/http/connections.h"

#include "service/http/address.h"

#include <microhttpd.h>

#include <poll.h>
#include <sys/socket.h>

#include <utility>
#include <vector>

namespace anime::service
{

namespace
{

/// The answer is small and nothing was sent before it, so it fits the socket's buffer; if it does not, the
/// client isn't reading and learns nothing either way.
void send_now(int socket, const std::string &answer)
{
    send(socket, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    shutdown(socket, SHUT_WR);
}

/// After a late body's answer, until the connection is cut.
constexpr std::chrono::seconds grace{1};

constexpr linger reset_at_close{1, 0};

const char *name_of(Phase phase)
{
    switch (phase) {
    case Phase::head:
        return "head";
    case Phase::idle:
        return "idle";
    case Phase::body:
        return "body";
    case Phase::send:
        return "send";
    case Phase::events:
        return "events";
    case Phase::work:
    case Phase::refuse:
        break;
    }
    return "other";
}

void wake(const Connection &connection)
{
    if (connection.suspension)
        connection.suspension->wake();
}

} // namespace

void Suspension::wake()
{
    const std::lock_guard guard(lock_);
    if (ended_)
        return;
    if (suspended_) {
        MHD_resume_connection(suspended_);
        suspended_ = nullptr;
    } else {
        woken_ = true;
    }
}

bool Suspension::sleep(MHD_Connection *connection)
{
    const std::lock_guard guard(lock_);
    if (woken_) {
        woken_ = false;
        return false;
    }
    MHD_suspend_connection(connection);
    suspended_ = connection;
    return true;
}

void Suspension::end()
{
    const std::lock_guard guard(lock_);
    ended_ = true;
}

ConnectionTable::ConnectionTable(std::size_t most, std::size_t most_per_client,
                                 std::chrono::seconds head_timeout,
                                 std::function<bool(const std::string &)> exempt,
                                 std::function<void(const char *)> expired)
    : most_(most), most_per_client_(most_per_client), head_timeout_(head_timeout), exempt_(std::move(exempt)),
      expired_(std::move(expired))
{
}

bool ConnectionTable::admits(const std::string &client) const
{
    const std::lock_guard guard(lock_);
    const auto count = per_client_.find(rate_key(client));
    return count == per_client_.end() || count->second < 2 * most_per_client_ || exempt_(client);
}

Connection *ConnectionTable::open(int socket, const std::string &client, Time now)
{
    auto connection = std::make_unique<Connection>();
    Connection *opened = connection.get();
    opened->socket = socket;
    opened->client = client;
    opened->rate_key = rate_key(client);
    opened->deadline = now + head_timeout_;
    const std::lock_guard guard(lock_);
    opened->over_limit = ++per_client_[opened->rate_key] > most_per_client_ && !exempt_(client);
    connections_[opened] = std::move(connection);
    if (connections_.size() > most_ && !quiet_.empty())
        evict_locked(*quiet_.front());
    set_phase_locked(*opened, Phase::head);
    return opened;
}

/// The one that was quiet longest makes room: libmicrohttpd sees the end of its socket, and closes it.
void ConnectionTable::evict_locked(Connection &connection)
{
    expired_("evicted");
    shutdown(connection.socket, SHUT_RDWR);
    quiet_.erase(connection.quiet);
    connection.is_quiet = false;
}

void ConnectionTable::set_phase_locked(Connection &connection, Phase phase)
{
    connection.phase = phase;
    if (std::exchange(connection.is_quiet, false))
        quiet_.erase(connection.quiet);
    if (phase != Phase::head && phase != Phase::idle)
        return;
    connection.quiet = quiet_.insert(quiet_.end(), &connection);
    connection.is_quiet = true;
}

void ConnectionTable::close(Connection *connection)
{
    const std::lock_guard guard(lock_);
    const auto count = per_client_.find(connection->rate_key);
    if (--count->second == 0)
        per_client_.erase(count);
    if (connection->is_quiet)
        quiet_.erase(connection->quiet);
    connections_.erase(connection);
}

bool ConnectionTable::enter(Connection *connection, Phase phase, Time deadline,
                            std::shared_ptr<Suspension> suspension)
{
    const std::lock_guard guard(lock_);
    if (connection->late || (stopping_ && suspension))
        return false;
    set_phase_locked(*connection, phase);
    connection->deadline = deadline;
    connection->suspension = std::move(suspension);
    connection->late_answer.clear();
    return true;
}

void ConnectionTable::back_to_head(Connection *connection, Time now)
{
    const std::lock_guard guard(lock_);
    set_phase_locked(*connection, Phase::idle);
    connection->deadline = now + head_timeout_;
    connection->suspension.reset();
}

void ConnectionTable::set_late_answer(Connection *connection, std::string answer)
{
    const std::lock_guard guard(lock_);
    connection->late_answer = std::move(answer);
}

bool ConnectionTable::is_gone(const Connection *connection) const
{
    const std::lock_guard guard(lock_);
    return connection->gone;
}

bool ConnectionTable::is_at_head(const Connection *connection) const
{
    const std::lock_guard guard(lock_);
    return connection->phase == Phase::head || connection->phase == Phase::idle;
}

bool ConnectionTable::is_refused(const Connection *connection) const
{
    const std::lock_guard guard(lock_);
    return connection->phase == Phase::refuse;
}

bool ConnectionTable::is_late(const Connection *connection) const
{
    const std::lock_guard guard(lock_);
    return connection->late;
}

void ConnectionTable::refuse(Connection *connection, const std::string &answer, Time deadline)
{
    const std::lock_guard guard(lock_);
    if (connection->late)
        return;
    send_now(connection->socket, answer);
    set_phase_locked(*connection, Phase::refuse);
    connection->deadline = deadline;
}

void ConnectionTable::expire_locked(Connection &connection, Time now)
{
    switch (connection.phase) {
    case Phase::body:
        // Only once: the next deadline cuts the connection.
        if (!connection.late && !connection.late_answer.empty()) {
            expired_(name_of(connection.phase));
            connection.late = true;
            send_now(connection.socket, connection.late_answer);
            set_phase_locked(connection, Phase::refuse);
            connection.deadline = now + grace;
            return;
        }
        break;
    case Phase::work:
        connection.deadline = now + grace; // looks again then, if the wake changed nothing
        wake(connection);
        return;
    case Phase::refuse:
        // libmicrohttpd would go on with what the socket has buffered, 32 KB a wake, and sleep after each.
        connection.late = true;
        // A reset, or a sender that found the window full could probe it for a minute more.
        setsockopt(connection.socket, SOL_SOCKET, SO_LINGER, &reset_at_close, sizeof reset_at_close);
        wake(connection);
        break;
    case Phase::head:
    case Phase::idle:
    case Phase::send:
    case Phase::events:
        break;
    }
    if (connection.phase != Phase::refuse)
        expired_(name_of(connection.phase));
    // libmicrohttpd sees the end of its socket and closes it.
    shutdown(connection.socket, SHUT_RDWR);
    if (connection.phase == Phase::events) {
        connection.gone = true;
        wake(connection);
    }
    connection.deadline = now + grace;
}

void ConnectionTable::notice_hang_ups_locked()
{
    // libmicrohttpd doesn't look at a suspended connection's socket.
    std::vector<pollfd> sockets;
    std::vector<Connection *> owners;
    for (const auto &[pointer, connection] : connections_)
        if (connection->suspension && !connection->gone) {
            sockets.push_back({connection->socket, POLLRDHUP, 0});
            owners.push_back(pointer);
        }
    if (sockets.empty() || poll(sockets.data(), sockets.size(), 0) <= 0)
        return;
    for (std::size_t i = 0; i < sockets.size(); ++i)
        if (sockets[i].revents & (POLLRDHUP | POLLHUP | POLLERR)) {
            owners[i]->gone = true;
            wake(*owners[i]);
        }
}

void ConnectionTable::tick(Time now)
{
    const std::lock_guard guard(lock_);
    for (const auto &[pointer, connection] : connections_) {
        if (connection->deadline <= now)
            expire_locked(*connection, now);
        else if (connection->phase == Phase::events)
            wake(*connection); // perhaps it is time for a sign of life
    }
    notice_hang_ups_locked();
}

void ConnectionTable::wake_all()
{
    const std::lock_guard guard(lock_);
    stopping_ = true;
    for (const auto &[pointer, connection] : connections_)
        if (connection->suspension) {
            connection->gone = true;
            wake(*connection);
        }
}

std::size_t ConnectionTable::size() const
{
    const std::lock_guard guard(lock_);
    return connections_.size();
}

std::size_t ConnectionTable::busy() const
{
    const std::lock_guard guard(lock_);
    std::size_t count = 0;
    for (const auto &[pointer, connection] : connections_)
        count += connection->phase != Phase::head && connection->phase != Phase::idle;
    return count;
}

} // namespace anime::service
