// SPDX-License-Identifier: LGPL-2.1-or-later
// What goes wrong with the broker: by what can be done about it, and in words.
#pragma once

#include <nats/nats.h>

#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace anime::service::broker
{

enum class Fault {
    gone,     ///< no connection, or no answer in time: another try may do
    refused,  ///< password, certificate or rights: somebody has to put it right
    full,     ///< it takes no more messages
    space,    ///< it has no room, or more than its settings allow
    conflict, ///< somebody else has changed the value meanwhile
    missing,  ///< no such stream, consumer or message
    failed    ///< anything else
};

class BrokerError : public std::runtime_error
{
public:
    BrokerError(Fault fault, const std::string &message, std::string remedy = {})
        : std::runtime_error(message), fault_(fault), remedy_(std::move(remedy))
    {
    }
    Fault fault() const noexcept { return fault_; }
    const std::string &remedy() const noexcept { return remedy_; }

private:
    Fault fault_;
    std::string remedy_;
};

/// Of a BrokerError; nothing for other exceptions.
std::optional<Fault> fault_of(const std::exception &error);

/// Of a status that libnats has just returned: gone or failed; `what` is a sentence without its end.
BrokerError broker_error(natsStatus status, const std::string &what);

/// Of a status that libnats has just returned: what it said, or else what it calls that.
std::string words_of(natsStatus status);

/// Why there is no connection to `where`.
BrokerError connect_error(natsStatus status, const std::string &where, bool tls);

} // namespace anime::service::broker
