// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/http/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace anime::service
{

namespace
{

constexpr std::array<std::uint8_t, 12> mapped_prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::array<std::uint8_t, 12> nat64_prefix = {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0};

std::string text_of(int family, const void *bytes)
{
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(family, bytes, text.data(), text.size());
    return text.data();
}

/// The IPv4 address in the last four bytes, if the others are `prefix`.
std::optional<std::string> ipv4_behind(const in6_addr &address, const std::array<std::uint8_t, 12> &prefix)
{
    if (!std::equal(prefix.begin(), prefix.end(), address.s6_addr))
        return std::nullopt;
    return text_of(AF_INET, address.s6_addr + prefix.size());
}

std::string canonical(const in6_addr &address)
{
    return ipv4_behind(address, mapped_prefix).value_or(text_of(AF_INET6, &address));
}

} // namespace

std::string canonical_address(const std::string &address)
{
    in_addr v4{};
    if (inet_pton(AF_INET, address.c_str(), &v4) == 1)
        return text_of(AF_INET, &v4);
    in6_addr v6{};
    return inet_pton(AF_INET6, address.c_str(), &v6) == 1 ? canonical(v6) : std::string();
}

std::string canonical_address(const sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return text_of(AF_INET, &reinterpret_cast<const sockaddr_in *>(address)->sin_addr);
    if (address->sa_family == AF_INET6)
        return canonical(reinterpret_cast<const sockaddr_in6 *>(address)->sin6_addr);
    return {};
}

std::string rate_key(const std::string &address)
{
    const std::string canonical = canonical_address(address);
    in6_addr v6{};
    if (inet_pton(AF_INET6, canonical.c_str(), &v6) != 1)
        return canonical.empty() ? address : canonical;
    if (auto v4 = ipv4_behind(v6, nat64_prefix))
        return *v4;
    std::string key;
    static constexpr char digits[] = "0123456789abcdef";
    for (int i = 0; i < 8; ++i) {
        key += digits[v6.s6_addr[i] >> 4];
        key += digits[v6.s6_addr[i] & 15];
    }
    return key + "/64";
}

} // namespace anime::service
