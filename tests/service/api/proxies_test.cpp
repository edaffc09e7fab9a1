// SPDX-License-Identifier: LGPL-2.1-or-later
// Whom an address stands for: proxies that may speak for others, networks that count as one client.
#include "service/api/proxies.h"
#include "service/http/address.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace anime::service
{

TEST(TrustedProxies, OnlyTheyMaySpeakForOthers)
{
    const TrustedProxies proxies({"10.0.0.0/8", "::1"});
    EXPECT_EQ(proxies.client_of("192.0.2.1", "203.0.113.9"), "192.0.2.1") << "not a proxy of ours";
    EXPECT_EQ(proxies.client_of("10.1.2.3", "203.0.113.9"), "203.0.113.9");
    EXPECT_EQ(proxies.client_of("10.1.2.3", "1.2.3.4, 203.0.113.9, 10.9.9.9"), "203.0.113.9")
        << "what stands before the last address that isn't ours was written by the client";
    EXPECT_EQ(proxies.client_of("::1", "2001:db8::7"), "2001:db8::7");
    EXPECT_EQ(proxies.client_of("10.1.2.3", ""), "10.1.2.3");
    EXPECT_EQ(proxies.client_of("10.1.2.3", "nonsense"), "10.1.2.3");
}

TEST(TrustedProxies, AnIpv4AddressIsTheSameInIpv6)
{
    for (const char *range : {"10.0.0.0/8", "::ffff:10.0.0.0/104", "::ffff:a00:0/104"}) {
        const TrustedProxies proxies({range});
        EXPECT_TRUE(proxies.trusts("10.1.2.3")) << range;
        EXPECT_TRUE(proxies.trusts("::ffff:10.1.2.3")) << range;
        EXPECT_FALSE(proxies.trusts("::ffff:11.1.2.3")) << range;
        EXPECT_EQ(proxies.client_of("::ffff:10.1.2.3", "::FFFF:192.0.2.1"), "192.0.2.1") << range;
        EXPECT_EQ(proxies.client_of("10.1.2.3", "::ffff:192.0.2.1, ::ffff:a09:909"), "192.0.2.1") << range;
    }
    EXPECT_FALSE(TrustedProxies({"::/0"}).trusts("10.1.2.3")) << "all of IPv6, which is not IPv4";
}

TEST(TrustedProxies, ReadAddressesWithPorts)
{
    const TrustedProxies proxies({"10.0.0.0/8"});
    EXPECT_EQ(proxies.client_of("10.1.2.3", "192.0.2.1:4711"), "192.0.2.1");
    EXPECT_EQ(proxies.client_of("10.1.2.3", "[2001:db8::7]:443"), "2001:db8::7");
    EXPECT_EQ(proxies.client_of("10.1.2.3", "[2001:DB8:0::7]"), "2001:db8::7");
    for (const char *none : {":", "[", "[]", "[:", "1.2.3.4.5:1", "unknown"})
        EXPECT_EQ(proxies.client_of("10.1.2.3", none), "10.1.2.3") << none;
}

TEST(TrustedProxies, RefusesWhatIsNoRange)
{
    EXPECT_THROW(TrustedProxies({"localhost"}), std::runtime_error);
    EXPECT_THROW(TrustedProxies({"10.0.0.0/99"}), std::runtime_error);
}

TEST(RateKey, CountsAnIpv6NetworkAsOneClient)
{
    EXPECT_EQ(rate_key("192.0.2.1"), "192.0.2.1");
    EXPECT_EQ(rate_key("2001:db8:1:2::3"), rate_key("2001:db8:1:2:ffff::4"));
    EXPECT_NE(rate_key("2001:db8:1:2::3"), rate_key("2001:db8:1:3::3"));
}

TEST(RateKey, CountsEachIpv4AddressOnItsOwnHoweverItIsWritten)
{
    for (const char *written : {"::ffff:192.0.2.1", "::FFFF:c000:201", "0:0:0:0:0:ffff:192.0.2.1",
                                "64:ff9b::192.0.2.1", "64:ff9b::c000:201"})
        EXPECT_EQ(rate_key(written), "192.0.2.1") << written;
    EXPECT_NE(rate_key("::ffff:192.0.2.1"), rate_key("::ffff:192.0.2.2"));
    EXPECT_NE(rate_key("::1"), "0.0.0.1");
}

} // namespace anime::service
