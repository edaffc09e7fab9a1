// SPDX-License-Identifier: LGPL-2.1-or-later
// Addresses as they are compared, counted and logged.
#pragma once

#include <string>

struct sockaddr;

namespace anime::service
{

/// The one way to write an address; empty for what is none. An IPv4 address that was mapped into IPv6
/// (::ffff:192.0.2.1, as a socket for both has it) is that IPv4 address.
std::string canonical_address(const std::string &address);
std::string canonical_address(const sockaddr *address);

/// What counts as one client for rates, connections and bytes: the address, of IPv6 the /64 network that one
/// customer gets. What a NAT64 speaks for (64:ff9b::/96) are IPv4 addresses, of which each is a client.
std::string rate_key(const std::string &address);

} // namespace anime::service
