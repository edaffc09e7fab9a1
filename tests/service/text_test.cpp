// SPDX-License-Identifier: LGPL-2.1-or-later
// What clients write into headers and forms, read with suspicion.
#include "service/api/proxies.h"
#include "service/api/rate_limiter.h"
#include "service/http/address.h"
#include "service/text.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace anime::service
{

TEST(ValidId, TakesWhatCanBeLoggedAsItIs)
{
    EXPECT_TRUE(valid_id("a"));
    EXPECT_TRUE(valid_id("3f1b-AZ_09.x:y"));
    EXPECT_TRUE(valid_id(std::string(128, 'a')));
    for (const std::string &bad :
         {std::string(), std::string(129, 'a'), std::string("a b"), std::string("a\nb"), std::string("a\"b"),
          std::string("ä"), std::string("a/b"), std::string("a\0b", 3)})
        EXPECT_FALSE(valid_id(bad)) << bad;
}

TEST(RandomId, IsValidAndNeverTheSame)
{
    EXPECT_TRUE(valid_id(random_id()));
    EXPECT_EQ(random_id().size(), 32u);
    EXPECT_NE(random_id(), random_id());
}

TEST(PreferWait, ReadsTheSecondsAmongOtherPreferences)
{
    EXPECT_EQ(prefer_wait("wait=10"), 10);
    EXPECT_EQ(prefer_wait("respond-async, Wait = 5 ; foo=bar"), 5);
    EXPECT_EQ(prefer_wait("wait=\"7\""), 7);
    EXPECT_EQ(prefer_wait("wait=0"), 0);
    for (const char *none :
         {"", "wait", "wait=", "wait=ten", "wait=-1", "wait=1.5", "wait=99999999999", "await=3"})
        EXPECT_EQ(prefer_wait(none), std::nullopt) << none;
}

TEST(Rfc3339, IsUtcWithMilliseconds)
{
    using namespace std::chrono;
    EXPECT_EQ(rfc3339(system_clock::time_point(milliseconds(0))), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(rfc3339(system_clock::time_point(milliseconds(1700000000042))), "2023-11-14T22:13:20.042Z");
}

TEST(CleanFileName, KeepsTheNameAndNothingThatHarms)
{
    EXPECT_EQ(clean_file_name("C:\\photos\\me.jpg"), "me.jpg");
    EXPECT_EQ(clean_file_name("../../etc/passwd"), "passwd");
    EXPECT_EQ(clean_file_name("a\r\nb\x01.jpg"), "ab.jpg");
    EXPECT_EQ(clean_file_name("猫.jpg"), "猫.jpg");
    EXPECT_EQ(clean_file_name("\xff.jpg"), "\xef\xbf\xbd.jpg");
    EXPECT_EQ(clean_file_name(std::string(1000, 'x')).size(), 120u);
    EXPECT_EQ(clean_file_name(""), "");
}

TEST(CleanText, IsValidAndBounded)
{
    EXPECT_EQ(clean_text("curl/8", 10), "curl/8");
    EXPECT_EQ(clean_text("\xff\xfe", 10), "\xef\xbf\xbd\xef\xbf\xbd");
    EXPECT_EQ(clean_text("a\r\nb", 10), "ab");
    EXPECT_EQ(clean_text(std::string(40000, 'x'), 200), std::string(200, 'x'));
    EXPECT_EQ(clean_text("猫猫猫", 2), "猫猫");
}

TEST(EtagMatches, ListsWeakTagsAndStar)
{
    EXPECT_TRUE(etag_matches("\"a\"", "\"a\""));
    EXPECT_TRUE(etag_matches("\"b\", W/\"a\"", "\"a\""));
    EXPECT_TRUE(etag_matches("*", "\"a\""));
    EXPECT_FALSE(etag_matches("\"ab\"", "\"a\""));
    EXPECT_FALSE(etag_matches("", "\"a\""));
}

TEST(PreferredPicture, IsTheHighestOfThoseThatThereAre)
{
    const std::vector<std::string> types = {"image/jpeg", "image/png"};
    const std::pair<const char *, const char *> cases[] = {
        {"image/png", "image/png"},
        {"IMAGE/PNG", "image/png"},
        {"image/jpg", "image/jpeg"},
        {"image/jpeg;q=0.5, image/png;q=0.8, */*;q=0.1", "image/png"},
        {"image/jpeg, image/png;q=0.8", "image/jpeg"},
        {"image/webp, image/png;q=0.2, */*;q=0.1", "image/png"},
        {"*/*", "image/jpeg"},
        {"image/*", "image/jpeg"},
        {"image/*, image/jpeg;q=0", "image/png"},
        {"", "image/jpeg"},
        {"application/json", "image/jpeg"},
        {"image/webp", ""},
        {"image/png;q=0", ""},
    };
    for (const auto &[header, type] : cases)
        EXPECT_EQ(preferred_picture(header, types), type) << header;
}

TEST(PrefersPicture, OnlyWhereAnImageComesBeforeAnythingElse)
{
    for (const char *yes : {"image/jpeg", "image/*", "image/png, application/json", "*/*;q=0.1, image/png"})
        EXPECT_TRUE(prefers_picture(yes)) << yes;
    for (const char *no :
         {"", "*/*", "application/json", "application/json, image/png", "image/png;q=0",
          "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"})
        EXPECT_FALSE(prefers_picture(no)) << no;
}

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

class RateLimiterTest : public testing::Test
{
protected:
    RateLimiter::Time at(int milliseconds) const
    {
        return RateLimiter::Time(std::chrono::milliseconds(1000000 + milliseconds));
    }
};

TEST_F(RateLimiterTest, AllowsABurstThenTheRate)
{
    RateLimiter limiter(60, 3); // one a second
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(limiter.take("a", at(0)).count(), 0);
    EXPECT_EQ(limiter.take("a", at(0)).count(), 1000);
    EXPECT_EQ(limiter.take("a", at(600)).count(), 400) << "a refused try costs nothing";
    EXPECT_EQ(limiter.take("a", at(1000)).count(), 0);
    EXPECT_GT(limiter.take("a", at(1000)).count(), 0);
}

TEST_F(RateLimiterTest, NeverSavesUpMoreThanTheBurst)
{
    RateLimiter limiter(60, 2);
    limiter.take("a", at(0));
    EXPECT_EQ(limiter.take("a", at(3600000)).count(), 0);
    EXPECT_EQ(limiter.take("a", at(3600000)).count(), 0);
    EXPECT_GT(limiter.take("a", at(3600000)).count(), 0);
}

TEST_F(RateLimiterTest, CountsClientsApartInBoundedMemory)
{
    RateLimiter limiter(60, 1, 3);
    EXPECT_EQ(limiter.take("a", at(0)).count(), 0);
    EXPECT_EQ(limiter.take("b", at(0)).count(), 0);
    EXPECT_GT(limiter.take("a", at(1)).count(), 0);
    for (const char *client : {"c", "d", "e"})
        EXPECT_EQ(limiter.take(client, at(2)).count(), 0);
    EXPECT_EQ(limiter.clients(), 3u);
}

} // namespace anime::service
