// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/proxies.h"

#include "service/text.h"

#include <stdexcept>
#include <string_view>

namespace anime::service
{

namespace
{

using Address = std::unique_ptr<GInetAddress, ObjectUnref>;

} // namespace

TrustedProxies::TrustedProxies(const std::vector<std::string> &ranges)
{
    for (const std::string &range : ranges) {
        GInetAddressMask *mask = g_inet_address_mask_new_from_string(range.c_str(), nullptr);
        if (!mask)
            throw std::runtime_error("'" + range + "' is neither an address nor a CIDR range");
        ranges_.emplace_back(mask);
    }
}

bool TrustedProxies::trusts(const std::string &address) const
{
    const Address parsed(g_inet_address_new_from_string(address.c_str()));
    if (!parsed)
        return false;
    for (const auto &range : ranges_)
        if (g_inet_address_mask_matches(range.get(), parsed.get()))
            return true;
    return false;
}

std::string TrustedProxies::client_of(const std::string &peer, const std::string &forwarded_for) const
{
    std::string client = peer;
    std::string_view left(forwarded_for);
    while (!left.empty() && trusts(client)) {
        const auto comma = left.find_last_of(',');
        const std::string next(trim(comma == std::string_view::npos ? left : left.substr(comma + 1)));
        const Address parsed(g_inet_address_new_from_string(next.c_str()));
        if (!parsed)
            break; // a proxy that writes no address: keep the last one that is known
        client = next;
        left = comma == std::string_view::npos ? std::string_view() : left.substr(0, comma);
    }
    return client;
}

std::string rate_key(const std::string &address)
{
    const Address parsed(g_inet_address_new_from_string(address.c_str()));
    if (!parsed || g_inet_address_get_family(parsed.get()) != G_SOCKET_FAMILY_IPV6)
        return address;
    std::string key;
    const guint8 *bytes = g_inet_address_to_bytes(parsed.get());
    static constexpr char digits[] = "0123456789abcdef";
    for (int i = 0; i < 8; ++i) {
        key += digits[bytes[i] >> 4];
        key += digits[bytes[i] & 15];
    }
    return key + "/64";
}

} // namespace anime::service
