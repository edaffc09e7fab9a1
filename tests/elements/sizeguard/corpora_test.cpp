// SPDX-License-Identifier: LGPL-2.1-or-later
// Images of Debian packages that come with what they should look like. That all of them, good and broken,
// come out or fail with a code is tested end to end, with the descriptions (tests/pipelines/photo_test.cpp).
#include "tests/elements/sizeguard/guard_fixture.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace fs = std::filesystem;

namespace anime::test
{

namespace
{

Data read(const fs::path &path)
{
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Outcome decode(const fs::path &path)
{
    Limits limits;
    limits.max_dimension = 0;
    return run_guard(read(path), limits);
}

/// Mean difference in levels of 255; 255 where the sizes differ.
double difference(const Outcome &a, const Outcome &b)
{
    if (a.pixels.size() != b.pixels.size() || a.info.width != b.info.width || a.pixels.empty())
        return 255;
    double sum = 0;
    for (std::size_t i = 0; i < a.pixels.size(); ++i)
        sum += std::abs(a.pixels[i] - b.pixels[i]);
    return sum / static_cast<double>(a.pixels.size());
}

fs::path go_image_testdata()
{
    std::error_code absent;
    for (const fs::directory_entry &entry : fs::directory_iterator("/usr/share", absent))
        if (entry.path().filename().string().starts_with("go-1"))
            return entry.path() / "src/image/testdata";
    return {};
}

struct Pair {
    const char *image;
    const char *reference;
    double tolerance;
};

void compare(const fs::path &folder, std::span<const Pair> pairs)
{
    if (folder.empty() || !fs::exists(folder))
        GTEST_SKIP() << "no pictures to compare with: " << folder << " is not installed";
    for (const Pair &pair : pairs) {
        const Outcome image = decode(folder / pair.image);
        ASSERT_EQ(image.code(), "ok") << pair.image;
        EXPECT_LE(difference(image, decode(folder / pair.reference)), pair.tolerance) << pair.image;
    }
}

} // namespace

TEST(Corpora, GoJpegsLookLikeTheirPngs)
{
    const Pair pairs[] = {
        {"video-001.jpeg", "video-001.png", 4},
        {"video-001.progressive.jpeg", "video-001.png", 4},
        {"video-001.221212.jpeg", "video-001.221212.png", 4},
        {"video-001.rgb.jpeg", "video-001.rgb.png", 5},
        {"video-001.q50.444.jpeg", "video-001.png", 8},
        {"video-001.q50.410.progressive.jpeg", "video-001.png", 8},
        {"video-001.separate.dc.progression.jpeg", "video-001.png", 8},
        {"video-001.progressive.truncated.jpeg", "video-001.progressive.truncated.png", 4},
        {"video-005.gray.jpeg", "video-005.gray.png", 4},
        {"video-005.gray.q50.2x2.progressive.jpeg", "video-005.gray.png", 8},
        {"video-001.cmyk.jpeg", "video-001.cmyk.png",
         40}, // by a press profile here, by the plain formula there
    };
    compare(go_image_testdata(), pairs);
}

TEST(Corpora, GoWebpsLookLikeTheirPngs)
{
    const Pair pairs[] = {
        {"blue-purple-pink.lossless.webp", "blue-purple-pink.png", 0},
        {"blue-purple-pink-large.lossless.webp", "blue-purple-pink-large.png", 0},
        {"gopher-doc.1bpp.lossless.webp", "gopher-doc.1bpp.png", 0},
        {"gopher-doc.8bpp.lossless.webp", "gopher-doc.8bpp.png", 0},
        {"tux.lossless.webp", "tux.png", 0},
        {"blue-purple-pink.lossy.webp", "blue-purple-pink.png", 6},
        {"blue-purple-pink-large.normal-filter.lossy.webp", "blue-purple-pink-large.png", 6},
    };
    compare("/usr/share/gocode/src/golang.org/x/image/testdata", pairs);
}

TEST(Corpora, PhotosOfAllOrientationsLookAlike)
{
    const fs::path folder = fs::path(SHARED) / "corpora/exif-orientation";
    if (!fs::exists(folder))
        GTEST_SKIP() << folder << " is not there";
    const Outcome upright = decode(folder / "Landscape_1.jpg");
    for (int orientation = 0; orientation <= 8; ++orientation) {
        const Outcome photo = decode(folder / ("Landscape_" + std::to_string(orientation) + ".jpg"));
        ASSERT_EQ(photo.code(), "ok");
        EXPECT_LT(difference(photo, upright), 4) << orientation;
    }
}

} // namespace anime::test
