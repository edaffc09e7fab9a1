// SPDX-License-Identifier: LGPL-2.1-or-later
// A connection to a NATS server that comes back by itself, on libnats; what goes wrong is told in words.
#pragma once

#include "service/broker/message.h"

#include <nats/nats.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace anime::service::broker
{

struct ConnectionSettings {
    std::string urls;        ///< nats://USER:PASSWORD@HOST:PORT, several by commas; tls:// demands TLS
    std::string ca;          ///< file of certificates that sign the server's; empty: the system's
    std::string certificate; ///< of this client, and its key; empty: none
    std::string key;
    std::string name;  ///< shown by the server
    std::string inbox; ///< prefix of the subjects that answers come to: what this user may listen to
};

/// Without user and password, for logs.
std::string without_password(const std::string &urls);

using Headers = std::vector<std::pair<std::string, std::string>>;

/// Any number of threads may use it at once.
class Connection
{
public:
    enum class Said { connected, lost, trouble };
    using Say = std::function<void(Said what, const std::string &text)>;

    /// `say` is called from threads of libnats' and its own.
    Connection(ConnectionSettings settings, Say say);
    ~Connection();
    Connection(const Connection &) = delete;
    Connection &operator=(const Connection &) = delete;

    /// Tries once and goes on trying in the background. Throws BrokerError refused, failed: what another try
    /// can't mend.
    void open();

    bool connected() const;
    /// Grows each time that it is connected anew.
    std::uint64_t epoch() const { return epoch_; }
    /// Largest message that the server takes; 0 while there was no connection.
    std::int64_t most_payload() const;

    /// Throws BrokerError.
    Message request(const std::string &subject, std::string_view data, std::chrono::milliseconds wait,
                    const Headers &headers = {});
    /// Sent, not known to have arrived; with `reply`, where answers go. Throws BrokerError.
    void publish(const std::string &subject, std::string_view data, const std::string &reply = {});
    Subscription subscribe(const std::string &subject);
    /// A subject below the inbox prefix that nobody else has.
    std::string new_inbox() const;

private:
    std::shared_ptr<natsConnection> current() const;
    std::shared_ptr<natsConnection> needed() const;
    void connect_once();
    void heed_events_of(natsOptions *options);
    std::uint64_t denials() const;
    void keep_trying();
    void note(natsStatus status, const std::string &text);
    std::string denied_since(std::uint64_t count) const;

    const ConnectionSettings settings_;
    const Say say_;
    mutable std::mutex lock_; // protects what follows
    std::condition_variable changed_;
    std::shared_ptr<natsConnection> connection_;
    const std::shared_ptr<Retired> retired_ = std::make_shared<Retired>(); // has a lock of its own
    bool stop_ = false;
    bool closed_ = false; // by the library, for good
    std::string denied_;  // the newest subject that was refused
    std::uint64_t denials_ = 0;
    std::string said_;
    std::atomic<std::uint64_t> epoch_{0};
    std::thread thread_;
};

} // namespace anime::service::broker
