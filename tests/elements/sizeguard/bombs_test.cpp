// SPDX-License-Identifier: LGPL-2.1-or-later
// Files that would cost far more than their size: what the decoder gets to see of them is bounded. Where the
// cost was quadratic, a file of the default max-bytes took minutes, and would run into the test's timeout.
#include "elements/sizeguard/icc_profile.h"
#include "tests/elements/sizeguard/guard_fixture.h"

#include <gtest/gtest.h>

namespace anime::test
{

namespace
{

constexpr std::size_t FULL_SIZE = (5 << 20) - (64 << 10); // of a file, below max-bytes
constexpr std::array RED{255, 0, 0, 255};
constexpr std::array GREEN{0, 255, 0, 255};

const Data JPEG = make_image({.suffix = ".jpg[Q=100]"});
const Data PNG = make_image({.suffix = ".png"});
const Data WEBP = make_image({.suffix = ".webp[lossless]"});

Data repeated(const Data &what, std::size_t size)
{
    Data all;
    all.reserve(size);
    while (all.size() + what.size() <= size)
        all.insert(all.end(), what.begin(), what.end());
    return all;
}

/// `PNG` with `chunks` before or behind its data.
Data png_with(const Data &before, const Data &behind = {})
{
    const std::size_t data = find(PNG, bytes_of("IDAT")) - 4;
    const std::size_t end = find(PNG, bytes_of("IEND")) - 4;
    const auto at = [](std::size_t offset) { return PNG.begin() + static_cast<std::ptrdiff_t>(offset); };
    return Data(at(0), at(data)) + before + Data(at(data), at(end)) + behind + Data(at(end), PNG.end());
}

Data profile_bomb()
{
    // A zlib stream of 64 MiB of zeros is a few KB.
    static const Data bomb = make_flat(".png[compression=9]", 4096, 4096);
    const std::size_t idat = find(bomb, bytes_of("IDAT"));
    const std::size_t end = find(bomb, bytes_of("IEND")) - 8;
    const Data zlib(bomb.begin() + static_cast<std::ptrdiff_t>(idat) + 4,
                    bomb.begin() + static_cast<std::ptrdiff_t>(end));
    return png_chunk("iCCP", bytes_of("p") + Data{0, 0} + zlib);
}

/// A zlib stream of stored blocks.
Data stored(const Data &data)
{
    const auto low = static_cast<std::uint8_t>(data.size());
    const auto high = static_cast<std::uint8_t>(data.size() >> 8);
    Data zlib =
        Data{0x78, 1, 1, low, high, static_cast<std::uint8_t>(~low), static_cast<std::uint8_t>(~high)} + data;
    std::uint32_t a = 1;
    std::uint32_t b = 0;
    for (const std::uint8_t byte : data) { // Adler-32
        a = (a + byte) % 65521;
        b = (b + a) % 65521;
    }
    for (const std::uint32_t half : {b, a})
        zlib = zlib + Data{static_cast<std::uint8_t>(half >> 8), static_cast<std::uint8_t>(half)};
    return zlib;
}

Data png_profile(const Data &profile)
{
    return png_chunk("iCCP", bytes_of("p") + Data{0, 0} + stored(profile));
}

Data jpeg_profile(const Data &profile, int number = 1, int count = 1)
{
    return jpeg_marker(
        0xe2, bytes_of("ICC_PROFILE") +
                  Data{0, static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(count)} + profile);
}

std::vector<ByteRange> shown_to_the_decoder(std::unique_ptr<Scanner> scanner, const Data &data)
{
    EXPECT_FALSE(scanner->advance(data));
    EXPECT_TRUE(scanner->complete());
    return scanner->facts().decode;
}

void expect_near(const std::array<int, 4> &actual, const std::array<int, 4> &expected)
{
    for (int i = 0; i < 3; ++i)
        EXPECT_NEAR(actual[i], expected[i], 12) << "channel " << i;
}

} // namespace

TEST(Bombs, TextChunksThatInflateAreNotShownToTheDecoder)
{
    const std::size_t idat = find(PNG, bytes_of("IDAT")) - 4;
    const Data head = truncated(PNG, idat);
    const Data tail(PNG.begin() + static_cast<std::ptrdiff_t>(idat), PNG.end());
    const Outcome out = run_guard(head + profile_bomb() + png_chunk("zTXt", bytes_of("noise")) + tail);
    EXPECT_EQ(out.code(), "ok");
    EXPECT_EQ(out.at(0, 0), (std::array{255, 0, 0, 255}));
}

TEST(Bombs, AProfileThatIsNoneIsIgnored)
{
    const std::size_t idat = find(PNG, bytes_of("IDAT")) - 4;
    const Data tail(PNG.begin() + static_cast<std::ptrdiff_t>(idat), PNG.end());
    const Data zlib_of_abc{0x78, 0x9c, 0x4b, 0x4c, 0x4a, 0x06, 0x00, 0x02, 0x4d, 0x01, 0x27};
    const Outcome out =
        run_guard(truncated(PNG, idat) + png_chunk("iCCP", bytes_of("p") + Data{0, 0} + zlib_of_abc) + tail);
    EXPECT_EQ(out.code(), "ok");
    EXPECT_EQ(out.at(0, 0), (std::array{255, 0, 0, 255}));
}

TEST(Bombs, LargeFlatPicturesWithinTheLimitAreShrunkWhileDecoding)
{
    const Data bomb = make_flat(".jpg[Q=1]", 7000, 7000);
    const Outcome out = run_guard(bomb);
    EXPECT_EQ(out.code(), "ok");
    EXPECT_EQ(out.info.width, 2000u);
}

TEST(Bombs, TheDecoderSeesOneFrameOfAnAnimation)
{
    const Data dots = make_dots(3);
    const auto shown = shown_to_the_decoder(new_webp_scanner({}), dots);
    ASSERT_EQ(shown.size(), 1u);
    EXPECT_EQ(shown[0].begin, 0u);
    EXPECT_EQ(shown[0].end, find(dots, bytes_of("ANMF"), find(dots, bytes_of("ANMF")) + 4));
}

TEST(Bombs, AnAnimationOfManyFramesIsItsFirstFrame)
{
    const Outcome out = run_guard(make_dots(70'000));
    ASSERT_EQ(out.code(), "ok");
    EXPECT_EQ(out.info.width, 1u);
    EXPECT_EQ(out.at(0, 0), RED);
}

TEST(Bombs, TheDecoderSeesNoExifDataOfAWebp)
{
    const Data head = bytes_of("WEBP") + webp_chunk("VP8X", {0x2c, 0, 0, 0, 63, 0, 0, 47, 0, 0});
    const Data picture = picture_of(WEBP);
    const Data profile = webp_chunk("ICCP", swapping_profile());
    const Data exif = webp_chunk("EXIF", exif_with(3));
    const Data image =
        webp_chunk("RIFF", head + exif + profile + repeated(webp_chunk("ABCD", {}), 800) + picture + exif);
    const auto shown = shown_to_the_decoder(new_webp_scanner({}), image);
    std::size_t size = 0;
    for (const ByteRange &part : shown)
        size += part.end - part.begin;
    EXPECT_EQ(size, 8 + head.size() + profile.size() + picture.size());

    const Outcome out = run_guard(image);
    ASSERT_EQ(out.code(), "ok") << out.failure->debug;
    EXPECT_EQ(out.info.orientation, 3);
    expect_near(out.at(63, 47), GREEN); // turned, and coloured by the profile
}

TEST(Bombs, OneProfileOfAPngIsLookedInto)
{
    const Data good = png_profile(swapping_profile());
    expect_near(run_guard(png_with(good)).at(0, 0), GREEN);
    expect_near(run_guard(png_with(good + good)).at(0, 0), GREEN);
    EXPECT_EQ(run_guard(png_with(profile_bomb() + good)).at(0, 0), RED);
    EXPECT_EQ(run_guard(png_with({}, good)).at(0, 0), RED) << "behind the picture";
    Data broken = good;
    broken.back() ^= 1;
    EXPECT_EQ(run_guard(png_with(broken)).at(0, 0), RED) << "with a wrong checksum";
}

TEST(Bombs, AFileFullOfProfilesCostsOne)
{
    EXPECT_EQ(run_guard(png_with(repeated(profile_bomb(), FULL_SIZE))).at(0, 0), RED);
    EXPECT_EQ(run_guard(png_with({}, repeated(profile_bomb(), FULL_SIZE))).at(0, 0), RED);
}

TEST(Bombs, PngChunksForColoursAreShownOnce)
{
    const Data many = repeated(png_chunk("sRGB", {0}) + png_chunk("tEXt", {}), FULL_SIZE);
    EXPECT_LE(shown_to_the_decoder(new_png_scanner({}), png_with(many)).size(), 3u);
}

TEST(Bombs, PictureDataInPiecesOfOneByteIsOnePart)
{
    const std::size_t data = find(PNG, bytes_of("IDAT"));
    const std::size_t size = find(PNG, bytes_of("IEND")) - 8 - data - 4;
    Data pieces;
    for (std::size_t i = 0; i < size; ++i)
        pieces = pieces + png_chunk("IDAT", {PNG[data + 4 + i]});
    const Data image = truncated(PNG, data - 4) + repeated(png_chunk("IDAT", {}), FULL_SIZE) + pieces +
                       png_chunk("IEND", {});
    EXPECT_LE(shown_to_the_decoder(new_png_scanner({}), image).size(), 2u);
    EXPECT_EQ(run_guard(image).at(0, 0), RED);
}

TEST(Bombs, MarkersThatCouldHoldAProfileCostNothing)
{
    const Data markers = repeated(jpeg_marker(0xe2, {}), FULL_SIZE);
    const Outcome out = run_guard(with_markers(JPEG, markers));
    ASSERT_EQ(out.code(), "ok");
    expect_near(out.at(0, 0), RED);
}

TEST(Profile, OfAJpegIsJoinedFromItsParts)
{
    const Data profile = swapping_profile();
    const Data a = truncated(profile, 100);
    const Data b(profile.begin() + 100, profile.end());
    const auto first_pixel = [](const Data &markers) {
        const Outcome out = run_guard(with_markers(JPEG, markers));
        EXPECT_EQ(out.code(), "ok");
        return out.at(0, 0);
    };
    expect_near(first_pixel(jpeg_profile(profile)), GREEN);
    expect_near(first_pixel(jpeg_profile(a, 1, 2) + jpeg_profile(b, 2, 2)), GREEN);
    expect_near(first_pixel(jpeg_profile(b, 2, 2) + jpeg_profile(a, 1, 2)), GREEN);
    // As libjpeg: all parts, once each, and of one number.
    expect_near(first_pixel(jpeg_profile(a, 1, 2)), RED);
    expect_near(first_pixel(jpeg_profile(profile) + jpeg_profile(profile)), RED);
    expect_near(first_pixel(jpeg_profile(a, 1, 2) + jpeg_profile(b, 2, 3)), RED);
    expect_near(first_pixel(jpeg_profile(profile, 0, 1)), RED);
    expect_near(first_pixel(jpeg_profile(profile, 1, 0)), RED);
    expect_near(first_pixel(jpeg_profile(profile, 2, 1)), RED);
}

TEST(Profile, WithAListOfElementsIsIgnored)
{
    // 60,000 times the same step.
    Data list = bytes_of("mpet") + Data{0, 0, 0, 0, 0, 3, 0, 3, 0, 0, 0xea, 0x60};
    list = list + repeated({0, 7, 0x53, 0x10, 0, 0, 0, 60}, 60'000 * 8) + bytes_of("matf") +
           Data{0, 0, 0, 0, 0, 3, 0, 3} + Data(48);
    const Data profile = swapping_profile("D2B1", list);
    EXPECT_TRUE(has_element_lists(profile));
    EXPECT_FALSE(has_element_lists(swapping_profile()));
    for (std::size_t size = 0; size < 260; ++size)
        has_element_lists(truncated(profile, size)); // reads no further than there are bytes

    const Data webp =
        webp_chunk("RIFF", bytes_of("WEBP") + webp_chunk("VP8X", {0x20, 0, 0, 0, 63, 0, 0, 47, 0, 0}) +
                               webp_chunk("ICCP", profile) + picture_of(WEBP));
    const Outcome out = run_guard(webp);
    ASSERT_EQ(out.code(), "ok") << out.failure->debug;
    EXPECT_EQ(out.at(0, 0), RED);
}

} // namespace anime::test
