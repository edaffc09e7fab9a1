// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/broker/message.h"

#include <new>
#include <utility>

namespace anime::service::broker
{

namespace
{

/// Longer than a thread that has work waits for a processor.
constexpr std::chrono::seconds retired_for{5};

} // namespace

std::string_view Message::data() const
{
    return {natsMsg_GetData(message_.get()), static_cast<std::size_t>(natsMsg_GetDataLength(message_.get()))};
}

std::string Message::subject() const
{
    return natsMsg_GetSubject(message_.get());
}

std::string Message::reply() const
{
    const char *reply = natsMsg_GetReply(message_.get());
    return reply ? reply : "";
}

std::string Message::header(const char *name) const
{
    const char *value = nullptr;
    return natsMsgHeader_Get(message_.get(), name, &value) == NATS_OK && value ? value : "";
}

void Retired::add(std::shared_ptr<natsConnection> connection, natsSubscription *subscription) noexcept
{
    natsSubscription_Unsubscribe(subscription);
    const auto now = std::chrono::steady_clock::now();
    std::deque<Entry> over; // destroyed without the lock
    try {
        const std::lock_guard guard(lock_);
        while (!entries_.empty() && now - entries_.front().since >= retired_for) {
            over.push_back(std::move(entries_.front()));
            entries_.pop_front();
        }
        Entry &entry = entries_.emplace_back();
        entry.since = now;
        entry.connection = std::move(connection);
        entry.subscription.reset(subscription);
    } catch (const std::bad_alloc &) {
        // Then it stays for ever, which is the lesser evil.
    }
}

Subscription::Subscription(std::shared_ptr<natsConnection> connection, std::shared_ptr<Retired> retired,
                           const std::string &subject)
{
    natsSubscription *subscription = nullptr;
    const natsStatus status = natsConnection_SubscribeSync(&subscription, connection.get(), subject.c_str());
    if (status != NATS_OK)
        throw broker_error(status, "The broker can't be listened to");
    subscription_ = {subscription, Retire{std::move(connection), std::move(retired)}};
    // Pictures are large: by number alone.
    natsSubscription_SetPendingLimits(subscription, 65536, -1);
}

std::optional<Message> Subscription::next(std::chrono::milliseconds wait)
{
    natsMsg *message = nullptr;
    const natsStatus status = natsSubscription_NextMsg(&message, subscription_.get(), wait.count());
    if (status == NATS_OK)
        return Message(message);
    if (status == NATS_TIMEOUT)
        return std::nullopt;
    throw broker_error(status, "The broker can't be listened to any more");
}

} // namespace anime::service::broker
