// SPDX-License-Identifier: LGPL-2.1-or-later
// The catalogue is complete, and its checksums are those that git and sha256sum compute.
#include "models/weights/catalogue.h"

#include "models/graph/architectures.h"
#include "models/painter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace anime
{
namespace
{

std::span<const std::byte> bytes(std::string_view text)
{
    return {reinterpret_cast<const std::byte *>(text.data()), text.size()};
}

TEST(Catalogue, KnowsEachCheckpointOnce)
{
    std::set<std::string> names;
    std::set<std::string> sums;
    for (const CatalogueEntry &entry : catalogue()) {
        EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
        EXPECT_TRUE(sums.insert(entry.git_blob_sha1).second) << entry.name;
        EXPECT_THAT(entry.git_blob_sha1, testing::MatchesRegex("[0-9a-f]{40}")) << entry.name;
        EXPECT_FALSE(entry.description.empty()) << entry.name;
        EXPECT_FALSE(entry.licence.empty()) << entry.name;
        EXPECT_EQ(entry.architecture, "animeganv2") << entry.name;
        EXPECT_GE(entry.face_size, 256) << entry.name;
        EXPECT_TRUE(entry.url.empty() || entry.url.starts_with("https://")) << entry.name;
        EXPECT_EQ(find_in_catalogue(entry.name), &entry);
    }
    for (const char *name :
         {"celeba_distill", "face_paint_512_v1", "face_paint_512_v2", "paprika", "animeganv2_hayao"})
        EXPECT_TRUE(names.contains(name)) << name;
    EXPECT_EQ(find_in_catalogue("nobody"), nullptr);
}

TEST(Catalogue, EachCheckpointHasTheUpsamplingThatItWasMadeFor)
{
    EXPECT_EQ(find_in_catalogue("face_paint_512_v2")->upsampling, Upsampling::align_corners);
    EXPECT_EQ(find_in_catalogue("animeganv2_hayao")->upsampling, Upsampling::legacy);
    EXPECT_EQ(find_in_catalogue("paprika")->upsampling, Upsampling::legacy);
}

TEST(Catalogue, TheDefaultHasAQuickNet)
{
    EXPECT_EQ(quick_style("default"), "aozora-quick");
    EXPECT_EQ(quick_style("aozora"), "aozora-quick");
    for (const char *without : {"aozora-quick", "hayao", "paprika", "nobody", "", "./aozora.safetensors"})
        EXPECT_EQ(quick_style(without), "") << without;
}

// `printf hello | git hash-object --stdin` and `printf hello | sha256sum`.
TEST(Catalogue, ChecksumsAreThoseOfGitAndSha256sum)
{
    EXPECT_EQ(git_blob_sha1(bytes("hello")), "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0");
    EXPECT_EQ(git_blob_sha1({}), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
    EXPECT_EQ(sha256(bytes("hello")), "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    EXPECT_EQ(identify(bytes("hello")), nullptr);
}

} // namespace
} // namespace anime
