// SPDX-License-Identifier: LGPL-2.1-or-later
// Every open connection, what it is doing and until when. libmicrohttpd's own timeout counts from the last
// byte, so a client that sends one now and then would stay for ever; here the deadlines are absolute.
#pragma once

#include "service/waker.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

struct MHD_Connection;

namespace anime::service
{

/// Suspends a connection until wake(). A wake that comes before the sleep is kept, so none is lost; a wake
/// after the end does nothing.
class Suspension final : public Waker
{
public:
    void wake() override;
    /// False if there was a wake since the last sleep: look again instead.
    bool sleep(MHD_Connection *connection);
    /// The request is over, its connection may go.
    void end();

private:
    std::mutex lock_; // protects what follows; held while libmicrohttpd is called
    MHD_Connection *suspended_ = nullptr;
    bool woken_ = false;
    bool ended_ = false;
};

enum class Phase {
    head,   ///< waiting for the first request, or for the rest of its head
    idle,   ///< the same after an answer: mostly nothing more comes
    body,   ///< waiting for the rest of its body
    work,   ///< suspended: the answer isn't there yet
    send,   ///< sending the answer
    events, ///< sending events, suspended in between
    refuse, ///< refused before the body was complete; the client may still be sending
};

struct Connection {
    int socket = -1;
    std::string client;      ///< the peer's address, whole
    std::string rate_key;    ///< what its connections are counted by
    bool over_limit = false; ///< its client has too many: any request is answered 429
    Phase phase = Phase::head;
    std::chrono::steady_clock::time_point deadline;
    std::shared_ptr<Suspension> suspension; ///< null while nothing sleeps
    std::string late_answer;                ///< what to send when the body's deadline passes
    bool late = false;                      ///< that was sent, or a refused client's time is up
    bool gone = false;                      ///< the client hung up while it was suspended
    bool is_quiet = false;                  ///< in the table's quiet_, at:
    std::list<Connection *>::iterator quiet;
};

class ConnectionTable
{
public:
    using Time = std::chrono::steady_clock::time_point;
    /// `exempt` says whose connections aren't counted (trusted proxies). `expired` is told each phase that
    /// missed its deadline, and "evicted".
    /// Beyond `most` the one that was quiet longest goes.
    ConnectionTable(std::size_t most, std::size_t most_per_client, std::chrono::seconds head_timeout,
                    std::function<bool(const std::string &)> exempt,
                    std::function<void(const char *)> expired);

    /// False if the client has so many that it gets no answer at all: twice the limit.
    bool admits(const std::string &client) const;
    Connection *open(int socket, const std::string &client, Time now);
    void close(Connection *connection);

    /// Ends the phase and starts another; false if its deadline has passed and the connection is ending. With
    /// `suspension` it may sleep from here on: the table wakes it, and notices a client that hangs up.
    bool enter(Connection *connection, Phase phase, Time deadline,
               std::shared_ptr<Suspension> suspension = nullptr);
    void back_to_head(Connection *connection, Time now);
    void set_late_answer(Connection *connection, std::string answer);
    bool is_gone(const Connection *connection) const;
    bool is_late(const Connection *connection) const;
    bool is_refused(const Connection *connection) const;
    /// Between requests, or in the head of one.
    bool is_at_head(const Connection *connection) const;

    /// Sends `answer` at once, before the request is complete, and no more after it; the client then has
    /// until `deadline` to see it.
    void refuse(Connection *connection, const std::string &answer, Time deadline);

    /// Ends what is past its deadline, wakes what waits for it, notices who hung up. Call a few times a
    /// second.
    void tick(Time now);
    /// Ends every wait, and allows no more: libmicrohttpd aborts the process if it is stopped while something
    /// sleeps.
    void wake_all();

    std::size_t size() const;
    /// Connections in the middle of a request.
    std::size_t busy() const;

private:
    void set_phase_locked(Connection &connection, Phase phase);
    void evict_locked(Connection &connection);
    void expire_locked(Connection &connection, Time now);
    void notice_hang_ups_locked();

    const std::size_t most_;
    const std::size_t most_per_client_;
    const std::chrono::seconds head_timeout_;
    const std::function<bool(const std::string &)> exempt_;
    const std::function<void(const char *)> expired_;
    mutable std::mutex
        lock_; // protects what follows and every Connection; a socket is only closed after close()
    std::unordered_map<Connection *, std::unique_ptr<Connection>> connections_;
    std::unordered_map<std::string, std::size_t> per_client_;
    std::list<Connection *> quiet_; // waiting for a head, or for the rest of one; longest first
    bool stopping_ = false;
};

} // namespace anime::service
