// SPDX-License-Identifier: LGPL-2.1-or-later
// Messages that come from the broker, and listening for them.
#pragma once

#include "service/broker/fault.h"

#include <nats/nats.h>

#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace anime::service::broker
{

/// Owns a message that has arrived.
class Message
{
public:
    explicit Message(natsMsg *message) : message_(message) {}

    std::string_view data() const;
    std::string subject() const;
    std::string reply() const;
    /// Empty if it has none of this name.
    std::string header(const char *name) const;

private:
    struct Destroy {
        void operator()(natsMsg *message) const { natsMsg_Destroy(message); }
    };
    std::unique_ptr<natsMsg, Destroy> message_;
};

/// Subscriptions of a connection that were given up. libnats before 3.6 may be about to hand one a message
/// all the same: its read loop finds it, makes the message, and takes its lock only then (nats.c #637). So
/// what is given up hears nothing more at once, and its memory is let go of later.
class Retired
{
public:
    void add(std::shared_ptr<natsConnection> connection, natsSubscription *subscription) noexcept;

private:
    struct Destroy {
        void operator()(natsSubscription *subscription) const { natsSubscription_Destroy(subscription); }
    };
    struct Entry {
        std::chrono::steady_clock::time_point since;
        std::shared_ptr<natsConnection> connection; // outlives it
        std::unique_ptr<natsSubscription, Destroy> subscription;
    };
    std::mutex lock_; // protects what follows
    std::deque<Entry> entries_;
};

/// Messages on a subject, taken by one thread.
class Subscription
{
public:
    Subscription(std::shared_ptr<natsConnection> connection, std::shared_ptr<Retired> retired,
                 const std::string &subject);
    /// Nothing if none came in time. Throws BrokerError gone when the connection was given up.
    std::optional<Message> next(std::chrono::milliseconds wait);

private:
    struct Retire {
        std::shared_ptr<natsConnection> connection;
        std::shared_ptr<Retired> retired;
        void operator()(natsSubscription *subscription) const { retired->add(connection, subscription); }
    };
    std::unique_ptr<natsSubscription, Retire> subscription_;
};

} // namespace anime::service::broker
