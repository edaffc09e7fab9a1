// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/broker/fault.h"

namespace anime::service::broker
{

namespace
{

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

std::optional<Fault> fault_of(const std::exception &error)
{
    const auto *broker = dynamic_cast<const BrokerError *>(&error);
    return broker ? std::optional(broker->fault()) : std::nullopt;
}

BrokerError broker_error(natsStatus status, const std::string &what)
{
    return BrokerError(is_gone(status) ? Fault::gone : Fault::failed, what + ": " + words_of(status) + ".");
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

} // namespace anime::service::broker
