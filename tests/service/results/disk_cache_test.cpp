// SPDX-License-Identifier: LGPL-2.1-or-later
// Pictures in a folder: found again after a restart, never more than allowed, none that is damaged.
#include "service/results/disk_cache.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace anime::service
{

namespace
{

constexpr std::chrono::hours hour{1};

PicturePtr picture_of(std::size_t bytes, std::uint8_t value = 7)
{
    auto picture = std::make_shared<Picture>();
    picture->data = std::make_shared<const Bytes>(bytes, value);
    picture->info.media_type = "image/jpeg";
    picture->info.source = {40, 30};
    picture->info.processed = {20, 15};
    picture->info.faces = 2;
    picture->info.bytes = bytes;
    return picture;
}

} // namespace

class DiskCacheTest : public testing::Test
{
protected:
    DiskCacheTest()
    {
        char pattern[] = "/tmp/anime-cache-XXXXXX";
        folder_ = mkdtemp(pattern);
    }
    ~DiskCacheTest() override { std::filesystem::remove_all(folder_); }

    std::string folder_;
};

TEST_F(DiskCacheTest, FindsAPictureAgainAfterARestart)
{
    ASSERT_EQ("", DiskCache(folder_, 10000, hour).put("k", *picture_of(500)));
    DiskCache cache(folder_, 10000, hour);
    const PicturePtr found = cache.find("k");
    ASSERT_TRUE(found);
    EXPECT_EQ(*found->data, *picture_of(500)->data);
    EXPECT_EQ(found->info.media_type, "image/jpeg");
    EXPECT_EQ(found->info.source.width, 40);
    EXPECT_EQ(found->info.processed.height, 15);
    EXPECT_EQ(found->info.faces, 2);
    EXPECT_GT(cache.bytes(), 500u);
    EXPECT_FALSE(cache.find("other"));
}

TEST_F(DiskCacheTest, OpensTheFileAtThePicture)
{
    DiskCache cache(folder_, 10000, hour);
    ASSERT_EQ("", cache.put("k", *picture_of(500, 9)));
    const auto open = cache.open("k");
    ASSERT_TRUE(open);
    EXPECT_EQ(open->info.bytes, 500u);
    EXPECT_EQ(open->info.media_type, "image/jpeg");
    Bytes data(500);
    EXPECT_EQ(pread(open->file.get(), data.data(), 500, static_cast<off_t>(open->offset)), 500);
    EXPECT_EQ(data, Bytes(500, 9));
    EXPECT_FALSE(cache.open("other"));
}

TEST_F(DiskCacheTest, StaysWithinItsBytes)
{
    DiskCache cache(folder_, 5000, hour);
    for (int i = 0; i < 20; ++i)
        ASSERT_EQ("", cache.put(std::string(1, 'k').append(std::to_string(i)), *picture_of(1000)));
    EXPECT_LE(cache.bytes(), 5000u);
    EXPECT_TRUE(cache.find("k19")) << "the newest stay";
}

TEST_F(DiskCacheTest, TakesNoFileThatIsNotOneOfIts)
{
#define HEADER                                                                                                \
    R"({"media_type":"image/jpeg","source_format":"","source":[1,1],"processed":[1,1],"faces":0,"model":"",)" \
    R"("digest":"","bytes":)"
    for (const char *content :
         {"not json\nx", "{}\nx", "", HEADER "999999999999}\nshort", HEADER "4}\ntoo long"}) {
        std::ofstream(folder_ + "/k.picture", std::ios::binary) << content;
        DiskCache cache(folder_, 10000, hour);
        EXPECT_FALSE(cache.open("k")) << content;
        EXPECT_FALSE(std::filesystem::exists(folder_ + "/k.picture")) << content;
        EXPECT_EQ(cache.bytes(), 0u) << content;
        EXPECT_FALSE(cache.find("k")) << content;
    }
}

TEST_F(DiskCacheTest, AFileOfWhichTheEndIsMissingIsAMissAndIsRemoved)
{
    DiskCache cache(folder_, 10000, hour);
    const std::string path = folder_ + "/k.picture";
    for (const bool to_send : {false, true})
        for (const std::uintmax_t missing : {1, 250, 500, 600}) {
            ASSERT_EQ("", cache.put("k", *picture_of(500)));
            std::filesystem::resize_file(path, std::filesystem::file_size(path) - missing);
            EXPECT_FALSE(to_send ? cache.open("k").has_value() : cache.find("k") != nullptr) << missing;
            EXPECT_FALSE(std::filesystem::exists(path)) << missing;
        }
}

TEST_F(DiskCacheTest, LeavesNoFileOpen)
{
    const auto open_files = [] {
        return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
    };
    DiskCache cache(folder_, 10000, hour);
    ASSERT_EQ("", cache.put("k", *picture_of(500)));
    const auto before = open_files();
    for (int i = 0; i < 10; ++i) {
        EXPECT_TRUE(cache.open("k"));
        EXPECT_TRUE(cache.find("k"));
        std::ofstream(folder_ + "/bad.picture") << "not json";
        EXPECT_FALSE(cache.open("bad"));
    }
    EXPECT_EQ(open_files(), before);
}

TEST_F(DiskCacheTest, ForgetsWhatNobodyAskedForInAnHour)
{
    namespace fs = std::filesystem;
    const auto age = [this](const char *key, auto by) {
        const std::string path = folder_ + "/" + key + ".picture";
        fs::last_write_time(path, fs::last_write_time(path) - by);
    };
    DiskCache cache(folder_, 10000, hour);
    for (const char *key : {"old", "asked", "sent", "new"})
        ASSERT_EQ("", cache.put(key, *picture_of(500)));
    age("old", hour);
    for (const char *key : {"asked", "sent"})
        age(key, std::chrono::minutes(59));
    EXPECT_TRUE(cache.find("asked"));
    EXPECT_TRUE(cache.open("sent"));
    for (const char *key : {"asked", "sent"})
        age(key, std::chrono::minutes(59));
    cache.expire();
    EXPECT_FALSE(cache.find("old"));
    EXPECT_TRUE(cache.find("asked"));
    EXPECT_TRUE(cache.find("sent"));
    EXPECT_TRUE(cache.find("new"));
    EXPECT_LT(cache.bytes(), 2500u);
    age("new", hour);
    EXPECT_FALSE(DiskCache(folder_, 10000, hour).find("new")) << "at the start too";
}

TEST_F(DiskCacheTest, IsForNobodyElseToRead)
{
    namespace fs = std::filesystem;
    DiskCache cache(folder_ + "/made", 10000, hour);
    ASSERT_EQ("", cache.put("k", *picture_of(10)));
    EXPECT_EQ(fs::status(folder_ + "/made").permissions(), fs::perms::owner_all);
    EXPECT_EQ(fs::status(folder_ + "/made/k.picture").permissions(),
              fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(DiskCacheTest, ClearsWhatACrashLeftHalfWritten)
{
    const std::string half = folder_ + "/k.picture.0123456789abcdef";
    const std::string other = folder_ + "/gst-registry.bin";
    std::ofstream(half) << "half";
    std::ofstream(other) << "not ours";
    const DiskCache cache(folder_, 10000, hour);
    EXPECT_FALSE(std::filesystem::exists(half));
    EXPECT_TRUE(std::filesystem::exists(other));
}

TEST_F(DiskCacheTest, SaysThatAPictureCouldNotBeWritten)
{
    DiskCache cache(folder_, 10000, hour);
    std::filesystem::remove_all(folder_);
    const std::string reason = cache.put("k", *picture_of(10));
    EXPECT_NE(reason.find(folder_ + "/k.picture"), std::string::npos) << reason;
    EXPECT_NE(reason.find(std::strerror(ENOENT)), std::string::npos) << reason;
}

} // namespace anime::service
