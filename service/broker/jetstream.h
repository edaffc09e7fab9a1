// SPDX-License-Identifier: LGPL-2.1-or-later
// What we need of JetStream, by its JSON interface: streams, values with a revision, a pull consumer, a
// watch.
#pragma once

#include "service/broker/connection.h"

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace anime::service::broker
{

/// How long an answer may take before somebody has to try again.
constexpr std::chrono::milliseconds answer_within{2000};

/// The answer of a JetStream interface. Throws BrokerError for one that is an error.
nlohmann::json ask(Connection &connection, const std::string &subject, const nlohmann::json &request,
                   std::chrono::milliseconds wait = answer_within);

/// Creates the stream, or gives it this configuration.
void ensure_stream(Connection &connection, const nlohmann::json &config);
/// The same for a durable consumer.
void ensure_consumer(Connection &connection, const std::string &stream, const nlohmann::json &config);

struct Stored {
    std::uint64_t sequence = 0;
    bool duplicate = false; ///< it was there already
};
/// Publishes to a stream, and returns once it is safe there. Throws BrokerError.
Stored store(Connection &connection, const std::string &subject, std::string_view data,
             const Headers &headers, std::chrono::milliseconds wait = answer_within);

/// A message of a stream with its headers.
struct Entry {
    std::string value;
    std::uint64_t revision = 0; ///< its sequence
    std::string headers = {};   ///< as they are on the wire

    std::string header(const std::string &name) const;
};
/// `which` as the JetStream interface has it: seq, or last_by_subj. Asked of the leader, never of a replica
/// that may lag behind.
std::optional<Entry> find_message(Connection &connection, const std::string &stream,
                                  const nlohmann::json &which);

/// Values by key, in a stream that has the shape of a NATS key-value bucket.
class Bucket
{
public:
    Bucket(Connection &connection, std::string name) : connection_(connection), name_(std::move(name)) {}

    std::optional<Entry> get(const std::string &key) const;
    /// Only if its revision is still `expected`, 0: if there is none. Throws BrokerError conflict.
    std::uint64_t put(const std::string &key, std::string_view value, std::uint64_t expected);
    /// The same, but nothing where somebody else was faster.
    std::optional<std::uint64_t> try_put(const std::string &key, std::string_view value,
                                         std::uint64_t expected);

    std::string stream() const { return "KV_" + name_; }
    std::string subject(const std::string &key) const { return "$KV." + name_ + "." + key; }

private:
    Connection &connection_;
    const std::string name_;
};

/// The last message of a subject with its headers, from any replica and so perhaps not the newest; nothing if
/// this one has none. The stream allows it (allow_direct).
std::optional<Message> find_direct(Connection &connection, const std::string &stream,
                                   const std::string &subject);

/// Configuration of a bucket's stream; `life` from the last write to a key.
nlohmann::json bucket_config(const std::string &name, std::chrono::seconds life, int replicas);

/// A message of a pull consumer. Whoever takes it has to end it in one of these ways, or it comes again.
class Delivery
{
public:
    Delivery(Connection &connection, Message message);

    const Message &message() const { return message_; }
    unsigned deliveries() const { return deliveries_; }  ///< 1: the first time
    std::uint64_t sequence() const { return sequence_; } ///< in the stream

    void ack();                                   ///< done; returns once that is safe
    void give_back(std::chrono::milliseconds in); ///< for somebody else, after that time
    void terminate();                             ///< never again
    void in_progress();

private:
    Connection &connection_;
    Message message_;
    std::string reply_;
    unsigned deliveries_ = 0;
    std::uint64_t sequence_ = 0;
};

class Puller
{
public:
    Puller(Connection &connection, const std::string &stream, const std::string &consumer);
    /// Nothing if none came in time. Throws BrokerError: make another then.
    std::optional<Delivery> next(std::chrono::milliseconds wait);

private:
    Connection &connection_;
    const std::string subject_;
    const std::string inbox_;
    const std::uint64_t epoch_;
    Subscription subscription_;
    std::uint64_t requests_ = 0;
};

/// The last value of each key of a bucket, then each new one.
class Watch
{
public:
    /// Throws BrokerError.
    Watch(Connection &connection, const Bucket &bucket);

    struct Change {
        std::string key;
        std::string value;
    };
    /// Nothing if none came in time. Throws BrokerError when it may have missed one: make another then.
    std::optional<Change> next(std::chrono::milliseconds wait);
    /// All that was there when the watch began has been told.
    bool caught_up() const { return pending_ == 0; }

private:
    Connection &connection_;
    const std::string prefix_;
    const std::uint64_t epoch_;
    const std::string inbox_;
    Subscription subscription_;
    std::uint64_t pending_ = 0;
    std::uint64_t sequence_ = 0;
    std::chrono::steady_clock::time_point heard_;
};

} // namespace anime::service::broker
