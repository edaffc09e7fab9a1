// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/broker/connection.h"

#include "service/text.h"

#include <cstddef>

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

struct OptionsDestroy {
    void operator()(natsOptions *options) const { natsOptions_Destroy(options); }
};
using OptionsPtr = std::unique_ptr<natsOptions, OptionsDestroy>;

struct MessageDestroy {
    void operator()(natsMsg *message) const { natsMsg_Destroy(message); }
};

void check(natsStatus status)
{
    if (status != NATS_OK)
        throw BrokerError(Fault::failed,
                          "The connection to the broker can't be set up: " + words_of(status) + ".");
}

bool wants_tls(const ConnectionSettings &settings)
{
    return !settings.ca.empty() || !settings.certificate.empty() ||
           settings.urls.find("tls://") != std::string::npos;
}

void set_tls(natsOptions *options, const ConnectionSettings &settings)
{
    if (!settings.ca.empty()) {
        if (const natsStatus status = natsOptions_LoadCATrustedCertificates(options, settings.ca.c_str());
            status != NATS_OK)
            throw BrokerError(Fault::refused,
                              "--broker-ca " + settings.ca + " can't be read: " + words_of(status) + ".",
                              "Name a PEM file of certificates.");
    }
    if (!settings.certificate.empty()) {
        if (const natsStatus status = natsOptions_LoadCertificatesChain(options, settings.certificate.c_str(),
                                                                        settings.key.c_str());
            status != NATS_OK)
            throw BrokerError(Fault::refused,
                              "--broker-certificate " + settings.certificate + " and --broker-key " +
                                  settings.key + " can't be used: " + words_of(status) + ".",
                              "Name a PEM file each, the key without a password.");
    }
    check(natsOptions_SetSecure(options, true));
}

OptionsPtr library_options(const ConnectionSettings &settings, const std::string &where)
{
    natsOptions *raw = nullptr;
    check(natsOptions_Create(&raw));
    OptionsPtr options(raw);
    const std::vector<std::string> urls = split_list(settings.urls);
    std::vector<const char *> servers;
    for (const std::string &url : urls)
        servers.push_back(url.c_str());
    const bool tls = wants_tls(settings);
    if (const natsStatus status =
            natsOptions_SetServers(raw, servers.data(), static_cast<int>(servers.size()));
        status != NATS_OK)
        throw connect_error(NATS_INVALID_ARG, where, tls);
    check(natsOptions_SetName(raw, settings.name.c_str()));
    check(natsOptions_SetCustomInboxPrefix(raw, settings.inbox.c_str()));
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
    if (tls)
        set_tls(raw, settings);
    return options;
}

} // namespace

std::string without_password(const std::string &urls)
{
    std::string clean;
    for (const std::string &url : split_list(urls)) {
        const auto scheme = url.find("://");
        const auto begin = scheme == std::string::npos ? 0 : scheme + 3;
        const auto at = url.rfind('@');
        clean += clean.empty() ? "" : ",";
        clean += at == std::string::npos || at < begin ? url : url.substr(0, begin) + url.substr(at + 1);
    }
    return clean;
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
    const std::string where = without_password(settings_.urls);
    const bool tls = wants_tls(settings_);
    const OptionsPtr options = library_options(settings_, where);
    heed_events_of(options.get());
    {
        const std::lock_guard guard(lock_);
        closed_ = false;
    }
    natsConnection *made = nullptr;
    if (const natsStatus status = natsConnection_Connect(&made, options.get()); status != NATS_OK)
        throw connect_error(status, where, tls);
    {
        const std::lock_guard guard(lock_);
        connection_ = std::shared_ptr<natsConnection>(made, natsConnection_Destroy);
    }
    ++epoch_;
    say_(Said::connected, "connected to the broker at " + where);
}

/// libnats calls these in threads of its own.
void Connection::heed_events_of(natsOptions *options)
{
    check(natsOptions_SetErrorHandler(
        options,
        [](natsConnection *connection, natsSubscription *, natsStatus status, void *self) {
            const char *text = nullptr;
            natsConnection_GetLastError(connection, &text);
            static_cast<Connection *>(self)->note(status, text ? text : "");
        },
        this));
    check(natsOptions_SetDisconnectedCB(
        options,
        [](natsConnection *, void *self) {
            static_cast<Connection *>(self)->say_(Said::lost, "the broker is gone");
        },
        this));
    check(natsOptions_SetReconnectedCB(
        options,
        [](natsConnection *, void *self) {
            auto &connection = *static_cast<Connection *>(self);
            ++connection.epoch_;
            connection.say_(Said::connected, "connected to the broker again");
        },
        this));
    check(natsOptions_SetClosedCB(
        options,
        [](natsConnection *, void *self) {
            auto &connection = *static_cast<Connection *>(self);
            {
                const std::lock_guard guard(connection.lock_);
                connection.closed_ = true;
            }
            connection.changed_.notify_all();
        },
        this));
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

std::uint64_t Connection::denials() const
{
    const std::lock_guard guard(lock_);
    return denials_;
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
    const std::uint64_t denials_before = denials();
    natsMsg *reply = nullptr;
    const natsStatus status = natsConnection_RequestMsg(&reply, connection.get(), raw, wait.count());
    if (status == NATS_OK)
        return Message(reply);
    if (const std::string denied = denied_since(denials_before); !denied.empty())
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
    throw broker_error(status, "The broker did not answer");
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
        throw broker_error(status, "The broker took no message");
}

Subscription Connection::subscribe(const std::string &subject)
{
    return {needed(), retired_, subject};
}

std::string Connection::new_inbox() const
{
    return settings_.inbox + "." + random_id();
}

} // namespace anime::service::broker
