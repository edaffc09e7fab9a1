// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/broker/message.h"

#include <utility>

namespace anime::service::broker
{

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

Subscription::Subscription(std::shared_ptr<natsConnection> connection, const std::string &subject)
    : connection_(std::move(connection))
{
    natsSubscription *subscription = nullptr;
    const natsStatus status = natsConnection_SubscribeSync(&subscription, connection_.get(), subject.c_str());
    if (status != NATS_OK)
        throw broker_error(status, "The broker can't be listened to");
    subscription_.reset(subscription);
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
