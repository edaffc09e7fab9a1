// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/broker/connection.h"

#include "service/text.h"

#include <algorithm>
#include <sstream>

namespace anime::service::broker
{

namespace
{

using namespace std::chrono_literals;

constexpr std::int64_t connect_ms = 2000;
constexpr std::int64_t reconnect_ms = 100;
constexpr std::int64_t jitter_ms = 50;
constexpr std::int64_t ping_ms = 2000; ///< a broker that is cut off is missed after two of them
constexpr int most_pings = 2;
constexpr std::chrono::milliseconds retry{250};

std::vector<std::string> split(const std::string &list)
{
    std::vector<std::string> items;
    std::istringstream in(list);
    for (std::string item; std::getline(in, item, ',');)
        if (!item.empty())
            items.push_back(item);
    return items;
}

struct OptionsDestroy {
    void operator()(natsOptions *options) const { natsOptions_Destroy(options); }
};
using OptionsPtr = std::unique_ptr<natsOptions, OptionsDestroy>;

struct MessageDestroy {
    void operator()(natsMsg *message) const { natsMsg_Destroy(message); }
};

/// What libnats said of it, or else what it calls the status.
std::string words_of(natsStatus status)
{
    natsStatus last = NATS_OK;
    const char *text = nats_GetLastError(&last);
    std::string words = text && last == status ? text : "";
    if (words.empty())
        return natsStatus_GetText(status);
    // Without where in libnats: "(conn.c:1905): ".
    if (words.front() == '(')
        if (const auto end = words.find("): "); end != std::string::npos)
            words.erase(0, end + 3);
    return words;
}

BrokerError connect_error(natsStatus status, const std::string &where, bool tls)
{
    const std::string words = words_of(status);
    // In TLS 1.3 the client is through before the server has seen its certificate.
    if (tls && status == NATS_PROTOCOL_ERROR)
        return {Fault::refused,
                "TLS with the broker at " + where +
                    " fails: it hangs up on this host's certificate, or on its "
                    "having none.",
                "Give --broker-certificate and --broker-key, signed by the authority that the broker knows."};
    switch (status) {
    case NATS_CONNECTION_AUTH_FAILED:
    case NATS_NOT_PERMITTED:
        return {Fault::refused, "The broker at " + where + " refuses this user or password (" + words + ").",
                "Check USER:PASSWORD in --broker against the broker's configuration."};
    case NATS_SSL_ERROR:
    case NATS_SECURE_CONNECTION_REQUIRED:
    case NATS_SECURE_CONNECTION_WANTED:
        return {Fault::refused, "TLS with the broker at " + where + " fails: " + words + ".",
                "Check --broker-ca, --broker-certificate and --broker-key, and that the certificate is for "
                "the host that --broker names."};
    case NATS_INVALID_ARG:
    case NATS_ADDRESS_MISSING:
        return {Fault::failed, "--broker is no broker's address: " + where + " (" + words + ").",
                "Write it as nats://USER:PASSWORD@HOST:4222, several with commas between them."};
    default:
        return {Fault::gone, "The broker at " + where + " can't be reached (" + words + ").",
                "Start it, or correct --broker."};
    }
}

void check(natsStatus status)
{
    if (status != NATS_OK)
        throw BrokerError(Fault::failed,
                          "The connection to the broker can't be set up: " + words_of(status) + ".");
}

bool is_gone(natsStatus status)
{
    switch (status) {
    case NATS_TIMEOUT:
    case NATS_CONNECTION_CLOSED:
    case NATS_CONNECTION_DISCONNECTED:
    case NATS_NOT_YET_CONNECTED:
    case NATS_INSUFFICIENT_BUFFER:
    case NATS_NO_RESPONDERS:
    case NATS_IO_ERROR:
    case NATS_NO_SERVER:
    case NATS_STALE_CONNECTION:
    case NATS_DRAINING:
    case NATS_INVALID_SUBSCRIPTION:
        return true;
    default:
        return false;
    }
}

} // namespace

std::string without_password(const std::string &urls)
{
    std::string clean;
    for (const std::string &url : split(urls)) {
        const auto scheme = url.find("://");
        const auto begin = scheme == std::string::npos ? 0 : scheme + 3;
        const auto at = url.rfind('@');
        clean += clean.empty() ? "" : ",";
        clean += at == std::string::npos || at < begin ? url : url.substr(0, begin) + url.substr(at + 1);
    }
    return clean;
}

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
        throw BrokerError(is_gone(status) ? Fault::gone : Fault::failed,
                          "The broker can't be listened to: " + words_of(status) + ".");
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
    throw BrokerError(is_gone(status) ? Fault::gone : Fault::failed,
                      "The broker can't be listened to any more: " + words_of(status) + ".");
}

Connection::Connection(ConnectionSettings settings, Say say)
    : settings_(std::move(settings)), say_(std::move(say))
{
}

Connection::~Connection()
{
    {
        const std::lock_guard guard(lock_);
        stop_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable())
        thread_.join();
    // The library's threads may still be about to call note(): closing waits for none of them, this does.
    if (const auto connection = current()) {
        natsConnection_Close(connection.get());
        std::unique_lock guard(lock_);
        changed_.wait_for(guard, 2s, [this] { return closed_; });
    }
}

std::shared_ptr<natsConnection> Connection::current() const
{
    const std::lock_guard guard(lock_);
    return connection_;
}

std::shared_ptr<natsConnection> Connection::needed() const
{
    auto connection = current();
    if (!connection || natsConnection_Status(connection.get()) != NATS_CONN_STATUS_CONNECTED)
        throw BrokerError(Fault::gone, "There is no connection to the broker.");
    return connection;
}

bool Connection::connected() const
{
    const auto connection = current();
    return connection && natsConnection_Status(connection.get()) == NATS_CONN_STATUS_CONNECTED;
}

std::int64_t Connection::most_payload() const
{
    const auto connection = current();
    return connection ? natsConnection_GetMaxPayload(connection.get()) : 0;
}

void Connection::open()
{
    try {
        connect_once();
    } catch (const BrokerError &error) {
        if (error.fault() != Fault::gone)
            throw;
        said_ = error.what();
        say_(Said::trouble, error.what());
    }
    thread_ = std::thread([this] { keep_trying(); });
}

void Connection::keep_trying()
{
    std::unique_lock guard(lock_);
    while (!stop_) {
        if (connection_ && !closed_) {
            changed_.wait(guard, [this] { return stop_ || closed_; });
            continue;
        }
        guard.unlock();
        std::string trouble;
        try {
            connect_once();
        } catch (const BrokerError &error) {
            trouble = error.what();
        }
        if (!trouble.empty() && trouble != said_)
            say_(Said::trouble, trouble);
        said_ = trouble;
        guard.lock();
        if (!trouble.empty())
            changed_.wait_for(guard, retry, [this] { return stop_; });
    }
}

void Connection::connect_once()
{
    natsOptions *raw = nullptr;
    check(natsOptions_Create(&raw));
    const OptionsPtr options(raw);
    const std::vector<std::string> urls = split(settings_.urls);
    std::vector<const char *> servers;
    for (const std::string &url : urls)
        servers.push_back(url.c_str());
    const std::string where = without_password(settings_.urls);
    const bool tls = !settings_.ca.empty() || !settings_.certificate.empty() ||
                     settings_.urls.find("tls://") != std::string::npos;
    if (const natsStatus status =
            natsOptions_SetServers(raw, servers.data(), static_cast<int>(servers.size()));
        status != NATS_OK)
        throw connect_error(NATS_INVALID_ARG, where, tls);
    check(natsOptions_SetName(raw, settings_.name.c_str()));
    check(natsOptions_SetCustomInboxPrefix(raw, settings_.inbox.c_str()));
    check(natsOptions_SetTimeout(raw, connect_ms));
    check(natsOptions_SetPingInterval(raw, ping_ms));
    check(natsOptions_SetMaxPingsOut(raw, most_pings));
    check(natsOptions_SetMaxReconnect(raw, -1));
    check(natsOptions_SetReconnectWait(raw, reconnect_ms));
    check(natsOptions_SetReconnectJitter(raw, jitter_ms, jitter_ms));
    // Nothing is sent later than it was told to be: whoever sends learns that it can't be done now.
    check(natsOptions_SetReconnectBufSize(raw, 1));
    check(natsOptions_SetFailRequestsOnDisconnect(raw, true));
    check(natsOptions_SetSendAsap(raw, true));
    if (!settings_.ca.empty()) {
        if (const natsStatus status = natsOptions_LoadCATrustedCertificates(raw, settings_.ca.c_str());
            status != NATS_OK)
            throw BrokerError(Fault::refused,
                              "--broker-ca " + settings_.ca + " can't be read: " + words_of(status) + ".",
                              "Name a PEM file of certificates.");
    }
    if (!settings_.certificate.empty()) {
        if (const natsStatus status =
                natsOptions_LoadCertificatesChain(raw, settings_.certificate.c_str(), settings_.key.c_str());
            status != NATS_OK)
            throw BrokerError(Fault::refused,
                              "--broker-certificate " + settings_.certificate + " and --broker-key " +
                                  settings_.key + " can't be used: " + words_of(status) + ".",
                              "Name a PEM file each, the key without a password.");
    }
    if (tls)
        check(natsOptions_SetSecure(raw, true));
    check(natsOptions_SetErrorHandler(
        raw,
        [](natsConnection *connection, natsSubscription *, natsStatus status, void *self) {
            const char *text = nullptr;
            natsConnection_GetLastError(connection, &text);
            static_cast<Connection *>(self)->note(status, text ? text : "");
        },
        this));
    check(natsOptions_SetDisconnectedCB(
        raw,
        [](natsConnection *, void *self) {
            static_cast<Connection *>(self)->say_(Said::lost, "the broker is gone");
        },
        this));
    check(natsOptions_SetReconnectedCB(
        raw,
        [](natsConnection *, void *self) {
            auto &connection = *static_cast<Connection *>(self);
            ++connection.epoch_;
            connection.say_(Said::connected, "connected to the broker again");
        },
        this));
    check(natsOptions_SetClosedCB(
        raw,
        [](natsConnection *, void *self) {
            auto &connection = *static_cast<Connection *>(self);
            {
                const std::lock_guard guard(connection.lock_);
                connection.closed_ = true;
            }
            connection.changed_.notify_all();
        },
        this));

    natsConnection *made = nullptr;
    {
        const std::lock_guard guard(lock_);
        closed_ = false;
    }
    if (const natsStatus status = natsConnection_Connect(&made, raw); status != NATS_OK)
        throw connect_error(status, where, tls);
    {
        const std::lock_guard guard(lock_);
        connection_ = std::shared_ptr<natsConnection>(made, natsConnection_Destroy);
    }
    ++epoch_;
    say_(Said::connected, "connected to the broker at " + where);
}

void Connection::note(natsStatus status, const std::string &text)
{
    if (status == NATS_NOT_PERMITTED) {
        const std::lock_guard guard(lock_);
        denied_ = text;
        ++denials_;
    }
    // What has no connection is said by whoever needs one.
    if (status == NATS_NOT_PERMITTED || status == NATS_CONNECTION_AUTH_FAILED || status == NATS_SLOW_CONSUMER)
        say_(Said::trouble, text.empty() ? natsStatus_GetText(status) : text);
}

std::string Connection::denied_since(std::uint64_t count) const
{
    const std::lock_guard guard(lock_);
    return denials_ > count ? denied_ : std::string();
}

Message Connection::request(const std::string &subject, std::string_view data, std::chrono::milliseconds wait,
                            const Headers &headers)
{
    const auto connection = needed();
    natsMsg *raw = nullptr;
    check(natsMsg_Create(&raw, subject.c_str(), nullptr, data.data(), static_cast<int>(data.size())));
    const std::unique_ptr<natsMsg, MessageDestroy> message(raw);
    for (const auto &[name, value] : headers)
        check(natsMsgHeader_Set(raw, name.c_str(), value.c_str()));
    std::uint64_t denials = 0;
    {
        const std::lock_guard guard(lock_);
        denials = denials_;
    }
    natsMsg *reply = nullptr;
    const natsStatus status = natsConnection_RequestMsg(&reply, connection.get(), raw, wait.count());
    if (status == NATS_OK)
        return Message(reply);
    if (const std::string denied = denied_since(denials); !denied.empty())
        throw BrokerError(Fault::refused,
                          "The broker does not let this user do what it has to: " + denied + ".",
                          "Give it the rights that packaging/nats/ gives.");
    if (status == NATS_MAX_PAYLOAD)
        throw BrokerError(Fault::space,
                          "A message of " + std::to_string(data.size()) +
                              " bytes is larger than the broker takes (" +
                              std::to_string(natsConnection_GetMaxPayload(connection.get())) + ").",
                          "Raise max_payload in the broker's configuration.");
    if (status == NATS_NO_RESPONDERS)
        throw BrokerError(Fault::gone, "The broker has no JetStream that answers.",
                          "Give it a jetstream section, or wait until its cluster has a leader.");
    throw BrokerError(is_gone(status) ? Fault::gone : Fault::failed,
                      "The broker did not answer: " + words_of(status) + ".");
}

void Connection::publish(const std::string &subject, std::string_view data, const std::string &reply)
{
    const auto connection = needed();
    const natsStatus status =
        reply.empty() ? natsConnection_Publish(connection.get(), subject.c_str(), data.data(),
                                               static_cast<int>(data.size()))
                      : natsConnection_PublishRequest(connection.get(), subject.c_str(), reply.c_str(),
                                                      data.data(), static_cast<int>(data.size()));
    if (status != NATS_OK)
        throw BrokerError(is_gone(status) ? Fault::gone : Fault::failed,
                          "The broker took no message: " + words_of(status) + ".");
}

Subscription Connection::subscribe(const std::string &subject)
{
    return {needed(), subject};
}

std::string Connection::new_inbox() const
{
    return settings_.inbox + "." + random_id();
}

} // namespace anime::service::broker
