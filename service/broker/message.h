// SPDX-License-Identifier: LGPL-2.1-or-later
// Messages that come from the broker, and listening for them.
#pragma once

#include "service/broker/fault.h"

#include <nats/nats.h>

#include <chrono>
#include <memory>
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

/// Messages on a subject, taken by one thread.
class Subscription
{
public:
    Subscription(std::shared_ptr<natsConnection> connection, const std::string &subject);
    /// Nothing if none came in time. Throws BrokerError gone when the connection was given up.
    std::optional<Message> next(std::chrono::milliseconds wait);

private:
    struct Destroy {
        void operator()(natsSubscription *subscription) const { natsSubscription_Destroy(subscription); }
    };
    std::shared_ptr<natsConnection> connection_; // outlives it
    std::unique_ptr<natsSubscription, Destroy> subscription_;
};

} // namespace anime::service::broker
