// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/api/proxies.h"

#include "service/http/address.h"
#include "service/text.h"

#include <stdexcept>
#include <string_view>

namespace anime::service
{

namespace
{

using Address = std::unique_ptr<GInetAddress, ObjectUnref>;
using Mask = std::unique_ptr<GInetAddressMask, ObjectUnref>;

constexpr guint mapped_bits = 96; ///< of ::ffff:0:0, into which IPv4 addresses are mapped

/// The range that is compared with canonical addresses; null if the text is none.
Mask range_of(const std::string &text)
{
    Mask mask(g_inet_address_mask_new_from_string(text.c_str(), nullptr));
    if (!mask)
        return mask;
    const std::unique_ptr<char, decltype(&g_free)> address(
        g_inet_address_to_string(g_inet_address_mask_get_address(mask.get())), g_free);
    const std::string canonical = canonical_address(address.get());
    const guint length = g_inet_address_mask_get_length(mask.get());
    if (g_inet_address_mask_get_family(mask.get()) != G_SOCKET_FAMILY_IPV6 ||
        canonical.find(':') != std::string::npos || length < mapped_bits)
        return mask;
    return Mask(g_inet_address_mask_new_from_string(
        (canonical + "/" + std::to_string(length - mapped_bits)).c_str(), nullptr));
}

/// Some proxies add the port: 192.0.2.1:4711, [2001:db8::7]:443. Empty if it is no address.
std::string forwarded_address(std::string_view text)
{
    if (text.starts_with('['))
        text = text.substr(1, text.find(']') - 1);
    else if (const auto colon = text.find(':'); colon != std::string_view::npos && colon == text.rfind(':'))
        text = text.substr(0, colon);
    return canonical_address(std::string(text));
}

} // namespace

TrustedProxies::TrustedProxies(const std::vector<std::string> &ranges)
{
    for (const std::string &range : ranges) {
        Mask mask = range_of(range);
        if (!mask)
            throw std::runtime_error("'" + range + "' is neither an address nor a CIDR range");
        ranges_.push_back(std::move(mask));
    }
}

bool TrustedProxies::trusts(const std::string &address) const
{
    const Address parsed(g_inet_address_new_from_string(canonical_address(address).c_str()));
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
        const std::string next =
            forwarded_address(trim(comma == std::string_view::npos ? left : left.substr(comma + 1)));
        if (next.empty())
            break; // a proxy that writes no address: keep the last one that is known
        client = next;
        left = comma == std::string_view::npos ? std::string_view() : left.substr(0, comma);
    }
    return client;
}

} // namespace anime::service
