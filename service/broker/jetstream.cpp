// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/broker/jetstream.h"

#include <nlohmann/json.hpp>

#include <glib.h>

#include <array>
#include <charconv>
#include <memory>
#include <vector>

namespace anime::service::broker
{

namespace
{

using namespace std::chrono_literals;
using Json = nlohmann::json;

/// Codes of the JetStream interface that mean something to us (nats-server, server/errors.json).
constexpr int code_consumer_missing = 10014;
constexpr int code_no_resources = 10023;
constexpr int code_no_message = 10037;
constexpr int code_no_memory = 10028;
constexpr int code_no_storage = 10047;
constexpr int code_message_too_large = 10054;
constexpr int code_name_in_use = 10058;
constexpr int code_stream_missing = 10059;
constexpr int code_wrong_revision = 10071;
constexpr int code_store_failed = 10077;
constexpr int code_store_failed_other = 10161;

/// Idle heartbeats of a watch, and how many may be missing.
constexpr std::chrono::seconds heartbeat{1};
constexpr int most_missing = 3;

Fault fault_of(int code, const std::string &description)
{
    switch (code) {
    case code_consumer_missing:
    case code_no_message:
    case code_stream_missing:
        return Fault::missing;
    case code_wrong_revision:
        return Fault::conflict;
    case code_store_failed:
        // "maximum messages exceeded"; anything else is a disk that is full or fails.
        return description.find("maximum messages") != std::string::npos ? Fault::full : Fault::space;
    case code_no_resources:
    case code_no_memory:
    case code_no_storage:
    case code_message_too_large:
    case code_store_failed_other:
        return Fault::space;
    default:
        return Fault::failed;
    }
}

/// Throws BrokerError if the answer is one, or is none.
Json read_answer(const Message &answer)
{
    Json json = Json::parse(answer.data(), nullptr, false);
    if (!json.is_object())
        throw BrokerError(Fault::failed, "The broker's answer is no JSON.");
    const auto error = json.find("error");
    if (error == json.end())
        return json;
    const int code = error->value("err_code", 0);
    const std::string description = error->value("description", "");
    const Fault fault =
        error->value("code", 0) == 503 && code == 0 ? Fault::gone : fault_of(code, description);
    throw BrokerError(fault, "The broker says: " + description + " (" + std::to_string(code) + ").");
}

std::string from_base64(const std::string &text)
{
    std::string data = text;
    gsize length = data.size();
    if (!data.empty())
        g_base64_decode_inplace(data.data(), &length);
    data.resize(length);
    return data;
}

std::uint64_t number(std::string_view text)
{
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

/// $JS.ACK.STREAM.CONSUMER.DELIVERED.STREAM-SEQUENCE.CONSUMER-SEQUENCE.TIME.PENDING, or with a domain and an
/// account's hash before STREAM and a random token at the end (ADR-15).
struct AckSubject {
    explicit AckSubject(const std::string &reply)
    {
        std::vector<std::string_view> parts;
        const std::string_view text = reply;
        for (std::size_t begin = 0; begin <= text.size();) {
            const std::size_t end = std::min(text.find('.', begin), text.size());
            parts.push_back(text.substr(begin, end - begin));
            begin = end + 1;
        }
        const std::size_t first = parts.size() >= 11 ? 6 : 4;
        if (parts.size() < first + 5 || parts[0] != "$JS" || parts[1] != "ACK")
            throw BrokerError(Fault::failed, "The broker's message has no place to acknowledge it: " + reply);
        delivered = number(parts[first]);
        stream = number(parts[first + 1]);
        consumer = number(parts[first + 2]);
        pending = number(parts[first + 4]);
    }
    std::uint64_t delivered = 0;
    std::uint64_t stream = 0;
    std::uint64_t consumer = 0;
    std::uint64_t pending = 0;
};

std::int64_t nanoseconds(std::chrono::nanoseconds time)
{
    return time.count();
}

} // namespace

Json ask(Connection &connection, const std::string &subject, const Json &request,
         std::chrono::milliseconds wait)
{
    return read_answer(connection.request(subject, request.is_null() ? "" : request.dump(), wait));
}

void ensure_stream(Connection &connection, const Json &config)
{
    const std::string name = config.at("name");
    try {
        ask(connection, "$JS.API.STREAM.CREATE." + name, config);
    } catch (const BrokerError &error) {
        if (std::string(error.what()).find("(" + std::to_string(code_name_in_use) + ")") == std::string::npos)
            throw;
        ask(connection, "$JS.API.STREAM.UPDATE." + name, config);
    }
}

void ensure_consumer(Connection &connection, const std::string &stream, const Json &config)
{
    const std::string name = config.at("durable_name");
    ask(connection, "$JS.API.CONSUMER.DURABLE.CREATE." + stream + "." + name,
        {{"stream_name", stream}, {"config", config}});
}

Stored store(Connection &connection, const std::string &subject, std::string_view data,
             const Headers &headers, std::chrono::milliseconds wait)
{
    const Json answer = read_answer(connection.request(subject, data, wait, headers));
    return {answer.value("seq", std::uint64_t{0}), answer.value("duplicate", false)};
}

std::string Entry::header(const std::string &name) const
{
    const std::string before = "\r\n" + name + ":";
    const auto begin = headers.find(before);
    if (begin == std::string::npos)
        return {};
    const auto value = headers.find_first_not_of(' ', begin + before.size());
    return headers.substr(value, headers.find("\r\n", value) - value);
}

std::optional<Entry> find_message(Connection &connection, const std::string &stream, const Json &which)
{
    try {
        const Json answer = ask(connection, "$JS.API.STREAM.MSG.GET." + stream, which);
        const Json &message = answer.at("message");
        return Entry{from_base64(message.value("data", "")), message.at("seq"),
                     from_base64(message.value("hdrs", ""))};
    } catch (const BrokerError &error) {
        if (error.fault() == Fault::missing)
            return std::nullopt;
        throw;
    }
}

std::optional<Entry> Bucket::get(const std::string &key) const
{
    return find_message(connection_, stream(), {{"last_by_subj", subject(key)}});
}

std::uint64_t Bucket::put(const std::string &key, std::string_view value, std::uint64_t expected)
{
    return store(connection_, subject(key), value,
                 {{"Nats-Expected-Last-Subject-Sequence", std::to_string(expected)}})
        .sequence;
}

std::optional<std::uint64_t> Bucket::try_put(const std::string &key, std::string_view value,
                                             std::uint64_t expected)
{
    try {
        return put(key, value, expected);
    } catch (const BrokerError &error) {
        if (error.fault() != Fault::conflict)
            throw;
        return std::nullopt;
    }
}

std::optional<Message> find_direct(Connection &connection, const std::string &stream,
                                   const std::string &subject)
{
    Message answer = connection.request("$JS.API.DIRECT.GET." + stream,
                                        Json{{"last_by_subj", subject}}.dump(), answer_within);
    const std::string status = answer.header("Status");
    if (status == "404")
        return std::nullopt;
    if (!status.empty())
        throw BrokerError(Fault::failed, "The broker can't look for a message: " + status + " " +
                                             answer.header("Description") + ".");
    return answer;
}

Json bucket_config(const std::string &name, std::chrono::seconds life, int replicas)
{
    return {{"name", "KV_" + name},
            {"subjects", {"$KV." + name + ".>"}},
            {"max_msgs_per_subject", 1},
            {"max_age", nanoseconds(life)},
            {"duplicate_window", nanoseconds(std::min<std::chrono::nanoseconds>(life, 2min))},
            {"retention", "limits"},
            {"discard", "new"},
            {"storage", "file"},
            {"num_replicas", replicas},
            {"allow_rollup_hdrs", true},
            {"deny_delete", true},
            {"allow_direct", false}};
}

Delivery::Delivery(Connection &connection, Message message)
    : connection_(connection), message_(std::move(message)), reply_(message_.reply())
{
    const AckSubject subject(reply_);
    deliveries_ = static_cast<unsigned>(subject.delivered);
    sequence_ = subject.stream;
}

void Delivery::ack()
{
    connection_.request(reply_, "+ACK", answer_within);
}

void Delivery::give_back(std::chrono::milliseconds in)
{
    connection_.publish(reply_, "-NAK " + Json{{"delay", nanoseconds(in)}}.dump());
}

void Delivery::terminate()
{
    connection_.publish(reply_, "+TERM");
}

void Delivery::in_progress()
{
    connection_.publish(reply_, "+WPI");
}

Puller::Puller(Connection &connection, const std::string &stream, const std::string &consumer)
    : connection_(connection), subject_("$JS.API.CONSUMER.MSG.NEXT." + stream + "." + consumer),
      inbox_(connection.new_inbox()), epoch_(connection.epoch()),
      subscription_(connection.subscribe(inbox_ + ".*"))
{
}

std::optional<Delivery> Puller::next(std::chrono::milliseconds wait)
{
    const std::string mine = inbox_ + "." + std::to_string(++requests_);
    connection_.publish(subject_, Json{{"batch", 1}, {"expires", nanoseconds(wait)}}.dump(), mine);
    const auto until = std::chrono::steady_clock::now() + wait + 500ms;
    for (;;) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        // In short steps, so that a connection that was made anew is noticed: it has forgotten the request.
        auto message = left > 0ms ? subscription_.next(std::min(left, 500ms)) : std::nullopt;
        if (connection_.epoch() != epoch_)
            throw BrokerError(Fault::gone, "The connection to the broker was made anew.");
        if (!message && left <= 500ms)
            return std::nullopt;
        if (!message)
            continue;
        const std::string status = message->header("Status");
        if (status.empty())
            return Delivery(connection_, std::move(*message));
        // Of an earlier request: it ended meanwhile, as that one was told.
        if (message->subject() != mine || status == "100")
            continue;
        if (status == "404" || status == "408")
            return std::nullopt;
        throw BrokerError(Fault::missing, "The broker ends the wait for work: " + status + " " +
                                              message->header("Description") + ".");
    }
}

Watch::Watch(Connection &connection, const Bucket &bucket)
    : connection_(connection), prefix_(bucket.subject("")), epoch_(connection.epoch()),
      inbox_(connection.new_inbox()), subscription_(connection.subscribe(inbox_)),
      heard_(std::chrono::steady_clock::now())
{
    const Json info = ask(connection, "$JS.API.CONSUMER.CREATE." + bucket.stream(),
                          {{"stream_name", bucket.stream()},
                           {"config",
                            {{"deliver_subject", inbox_},
                             {"deliver_policy", "last_per_subject"},
                             {"filter_subject", bucket.subject(">")},
                             {"ack_policy", "none"},
                             {"max_deliver", 1},
                             {"replay_policy", "instant"},
                             {"flow_control", true},
                             {"idle_heartbeat", nanoseconds(heartbeat)},
                             {"inactive_threshold", nanoseconds(30s)},
                             {"mem_storage", true},
                             {"num_replicas", 1}}}});
    pending_ = info.value("num_pending", std::uint64_t{0});
}

std::optional<Watch::Change> Watch::next(std::chrono::milliseconds wait)
{
    auto message = subscription_.next(wait);
    if (connection_.epoch() != epoch_)
        throw BrokerError(Fault::gone, "The connection to the broker was made anew.");
    const auto now = std::chrono::steady_clock::now();
    if (!message) {
        if (now - heard_ > heartbeat * most_missing)
            throw BrokerError(Fault::gone, "The broker has stopped telling of changes.");
        return std::nullopt;
    }
    heard_ = now;
    if (message->header("Status") == "100") {
        // Flow control waits for an answer; a heartbeat that stalls names where to send one.
        const std::string stalled = message->header("Nats-Consumer-Stalled");
        if (!message->reply().empty())
            connection_.publish(message->reply(), "");
        else if (!stalled.empty())
            connection_.publish(stalled, "");
        return std::nullopt;
    }
    const AckSubject place(message->reply());
    if (place.consumer != ++sequence_)
        throw BrokerError(Fault::gone, "A change that the broker told of was lost.");
    pending_ = place.pending;
    const std::string subject = message->subject();
    return Change{subject.substr(prefix_.size()), std::string(message->data())};
}

} // namespace anime::service::broker
