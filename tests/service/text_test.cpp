// SPDX-License-Identifier: LGPL-2.1-or-later
// What clients write into headers and forms, read with suspicion.
#include "service/text.h"

#include <gtest/gtest.h>

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

} // namespace anime::service
