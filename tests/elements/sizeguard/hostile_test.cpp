// SPDX-License-Identifier: LGPL-2.1-or-later
// What bad input gets: a code each, the same whatever the size of the pieces, as early as it can be known.
#include "tests/elements/sizeguard/guard_fixture.h"
#include "tests/elements/sizeguard/test_jpegs.h"

#include <gtest/gtest.h>

#include <random>

#include <vips/vips.h>

namespace anime::test
{

namespace
{

struct Case {
    std::string name;
    Data data;
    std::string code;
    Limits limits = {};
};

const Data JPEG = make_image({});
const Data PROGRESSIVE = make_image({.suffix = ".jpg[interlace]"});
const Data PNG = make_image({.suffix = ".png"});
const Data WEBP = make_image({.suffix = ".webp"});
const Data LOSSLESS = make_image({.suffix = ".webp[lossless]"});

/// Random bytes without markers of their own, which end a scan early and are found even more easily.
Data noise(std::size_t size)
{
    std::mt19937 random(7);
    Data data(size);
    for (auto &byte : data)
        byte = static_cast<std::uint8_t>(random() % 255);
    return data;
}

std::vector<Case> cases()
{
    Limits few_scans;
    few_scans.max_scans = 9; // libjpeg's own script has 10
    Limits little_memory;
    little_memory.max_memory = 1000;
    Limits no_png;
    no_png.formats = IMAGE_JPEG | IMAGE_WEBP;
    Limits reject;
    reject.reject_oversize = true;
    reject.max_dimension = 63;

    const std::size_t idat = find(PNG, bytes_of("IDAT"));
    std::vector<Case> all{
        {"empty", {}, "image-empty"},
        {"one byte of a JPEG", {0xff}, "image-truncated"},
        {"text", bytes_of("Dear Sir or Madam"), "format-unsupported"},
        {"HTML", bytes_of("<!DOCTYPE html><html><body>403</body></html>"), "format-unsupported"},
        {"SVG", bytes_of("<svg xmlns=\"http://www.w3.org/2000/svg\"/>"), "format-unsupported"},
        {"GIF", bytes_of("GIF89a\1\0\1\0"), "format-unsupported"},
        {"zeros", Data(1000), "format-unsupported"},
        {"PNG where PNG is not allowed", PNG, "format-unsupported", no_png},
        {"65535×65535 JPEG", jpeg_header(65535, 65535), "size-pixels"},
        {"65535×65535 PNG", png_header(65535, 65535, 8, 2), "size-pixels"},
        {"2³¹ wide PNG", png_header(0x80000000, 1, 8, 2), "size-pixels"},
        {"60-megapixel JPEG", jpeg_header(10000, 6000), "size-pixels"},
        {"60-megapixel PNG", png_header(10000, 6000, 8, 2), "size-pixels"},
        {"JPEG without width", jpeg_header(0, 100), "image-corrupt"},
        {"JPEG without height", jpeg_header(100, 0), "image-corrupt"},
        {"PNG without width", png_header(0, 100, 8, 2), "image-corrupt"},
        {"PNG without height", png_header(100, 0, 8, 2), "image-corrupt"},
        {"JPEG without a scan", jpeg_header(64, 64) + Data{0xff, 0xd9}, "image-corrupt"},
        {"lossless JPEG", jpeg_header(64, 64, 0xc3), "format-unsupported"},
        {"12-bit JPEG", jpeg_header(64, 64, 0xc1, 3, 12), "format-unsupported"},
        {"JPEG of two channels", jpeg_header(64, 64, 0xc0, 2), "format-unsupported"},
        {"JPEG in hundreds of scans", with_scans(JPEG, 300), "size-scans"},
        {"progressive JPEG over the scan limit", PROGRESSIVE, "size-scans", few_scans},
        {"progressive JPEG over the memory limit", PROGRESSIVE, "size-memory", little_memory},
        {"interlaced PNG over the memory limit", make_image({.suffix = ".png[interlace]"}), "size-memory",
         little_memory},
        {"lossless WebP over the memory limit", LOSSLESS, "size-memory", little_memory},
        {"animated WebP over the memory limit", make_animation(), "size-memory", little_memory},
        {"JPEG too large to pass without shrinking", JPEG, "size-dimension", reject},
        {"6 MB", JPEG + Data(6'000'000), "size-bytes"},
        {"PNG with a wrong header checksum", overwritten(PNG, 29, {1, 2, 3, 4}), "image-corrupt"},
        {"PNG with a wrong data checksum", overwritten(PNG, idat + 20, {1, 2, 3}), "image-corrupt"},
        {"PNG without data", png_header(8, 8, 8, 2) + png_chunk("IEND", {}), "image-corrupt"},
        {"PNG with data that isn't zlib's",
         png_header(64, 64, 8, 2) + png_chunk("IDAT", noise(500)) + png_chunk("IEND", {}), "image-corrupt"},
        {"PNG with too little data",
         overwritten(png_header(64, 480, 8, 2), 0, {}) +
             Data(PNG.begin() + static_cast<std::ptrdiff_t>(idat) - 4, PNG.end()),
         "image-corrupt"},
        {"PNG with colour type 5", png_header(8, 8, 8, 5), "image-corrupt"},
        {"PNG with a damaged chunk name", overwritten(PNG, 37, {1}), "image-corrupt"},
        {"PNG whose data is interrupted",
         png_header(8, 8, 8, 2) + png_chunk("IDAT", {1}) + png_chunk("tEXt", {}) + png_chunk("IDAT", {2}),
         "image-corrupt"},
        {"PNG with an unknown critical chunk", png_header(8, 8, 8, 2) + png_chunk("ABCD", {}),
         "image-corrupt"},
        {"PNG with two palettes",
         png_header(8, 8, 8, 3) + png_chunk("PLTE", Data(3)) + png_chunk("PLTE", Data(3)), "image-corrupt"},
        {"PNG for iPhones", truncated(PNG, 8) + png_chunk("CgBI", {0, 0, 0, 0}), "format-unsupported"},
        {"WebP whose picture exceeds its canvas",
         bytes_of("RIFF") + Data{60, 0, 0, 0} + bytes_of("WEBPVP8X") +
             Data{10, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 9, 0, 0} + bytes_of("VP8 ") +
             Data{20, 0, 0, 0, 0x10, 0, 0, 0x9d, 1, 0x2a, 0xff, 0x3f, 0xff, 0x3f},
         "image-corrupt"},
        {"WebP whose first frame ends inside its picture", overwritten(make_dots(2), 48, {20}),
         "image-corrupt"},
        {"WebP with an unknown start", bytes_of("RIFF") + Data{60, 0, 0, 0} + bytes_of("WEBPABCD") + Data(60),
         "image-corrupt"},
        {"WebP with noise as its picture", overwritten(WEBP, 60, noise(WEBP.size() - 60)), "image-corrupt"},
        {"lossless WebP with noise as its picture", overwritten(LOSSLESS, 30, noise(LOSSLESS.size() - 30)),
         "image-corrupt"},
    };
    const std::size_t scan = find(JPEG, {0xff, 0xda}) + 14;
    all.push_back({"JPEG with noise in its scan", overwritten(JPEG, scan, noise(JPEG.size() - scan - 2)),
                   "image-corrupt"});
    all.push_back({"JPEG whose scan ends early, with an end marker",
                   truncated(JPEG, JPEG.size() - 60) + Data{0xff, 0xd9}, "image-corrupt"});
    all.push_back({"JPEG that lacks the last bytes of its scan, with an end marker",
                   truncated(JPEG, JPEG.size() - 8) + Data{0xff, 0xd9}, "image-corrupt"});
    const std::size_t first_scan = find(PROGRESSIVE, {0xff, 0xda}) + 14;
    all.push_back({"progressive JPEG with noise in its first scan",
                   overwritten(PROGRESSIVE, first_scan, noise(40)), "image-corrupt"});
    return all;
}

class Hostile : public testing::TestWithParam<Case>
{
};

} // namespace

TEST_P(Hostile, IsRefusedWithItsCodeInPiecesOfAnySize)
{
    const auto &[name, data, code, limits] = GetParam();
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, SIZE_MAX}) {
        if (piece == 1 && data.size() > 1'000'000)
            continue;
        const Outcome out = run_guard(data, limits, piece);
        EXPECT_EQ(out.code(), code) << name << " in pieces of " << piece;
        if (!out.failure)
            continue;
        EXPECT_FALSE(out.failure->message.empty());
        EXPECT_FALSE(out.failure->remedy.empty());
        if (code.starts_with("size-") && limits.max_scans == Limits{}.max_scans) {
            EXPECT_GT(out.failure->actual.value(), out.failure->limit.value());
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Cases, Hostile, testing::ValuesIn(cases()), [](const auto &info) {
    std::string name;
    for (const char c : info.param.name)
        name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
    return name + "_" + std::to_string(info.index);
});

TEST(Failures, AreNotMadeOfWhatAnotherImagesDecoderSaid)
{
    const Data broken = overwritten(LOSSLESS, 30, noise(LOSSLESS.size() - 30));
    vips_error("elsewhere", "out of memory"); // into the buffer of the process
    EXPECT_EQ(run_guard(broken).code(), "image-corrupt");
}

TEST(Early, HeadersAreJudgedBeforeTheRestArrives)
{
    EXPECT_LE(run_guard(jpeg_header(10000, 6000) + Data(100'000), {}, 1).fed, 21u);
    EXPECT_LE(run_guard(png_header(10000, 6000, 8, 2) + Data(100'000), {}, 1).fed, 33u);
    EXPECT_LE(run_guard(Data(100'000), {}, 1).fed, 64u);
}

TEST(Early, AFileIsRefusedAtTheFirstByteTooMany)
{
    Limits limits;
    limits.max_bytes = 1000;
    const Outcome out = run_guard(JPEG + Data(100'000), limits, 1);
    EXPECT_EQ(out.code(), "size-bytes");
    EXPECT_EQ(out.fed, 1001u);
}

TEST(Early, AnAnnouncedLengthIsJudgedBeforeAnyByte)
{
    Cancellation cancellation;
    ImageGuard guard({}, cancellation);
    const auto failure = guard.announce(6'000'000);
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->code, "size-bytes");
    EXPECT_EQ(failure->actual, 6'000'000u);
}

TEST(Names, WhatIsNoImageIsCalledByItsName)
{
    const std::pair<Data, const char *> files[] = {
        {bytes_of("GIF89a"), "GIF"},
        {bytes_of("<?xml version='1.0'?><!-- a comment --><svg"), "SVG"},
        {bytes_of("\xef\xbb\xbf  <html>"), "HTML"},
        {bytes_of("%PDF-1.7"), "PDF"},
        {Data{0, 0, 0, 24} + bytes_of("ftypheic"), "HEIC"},
        {Data{0, 0, 0, 24} + bytes_of("ftypavif"), "AVIF"},
        {Data{0, 0, 0, 24} + bytes_of("ftypmp42"), "MP4"},
        {Data{'I', 'I', '*', 0, 8, 0, 0, 0}, "TIFF"},
        {Data{'P', 'K', 3, 4}, "ZIP"},
        {bytes_of("hello"), "text"},
        {Data{'I', 'I', '+', 0, 8, 0, 0, 0, 16, 0, 0, 0}, "BigTIFF"},
        {Data{'M', 'M', 0, '+', 0, 8, 0, 0}, "BigTIFF"},
        {bytes_of("FUJIFILMCCD-RAW 0201"), "Fujifilm RAF"},
        {Data{'I', 'I', 'U', 0, 0x18, 0, 0, 0}, "Panasonic RW2"},
        {Data{'I', 'I', 'R', 'O', 8, 0, 0, 0}, "Olympus ORF"},
        {Data{'I', 'I', 'R', 'S', 8, 0, 0, 0}, "Olympus ORF"},
        {Data{'M', 'M', 'O', 'R', 0, 0, 0, 8}, "Olympus ORF"},
    };
    for (const auto &[data, name] : files) {
        const Outcome out = run_guard(data);
        ASSERT_EQ(out.code(), "format-unsupported") << name;
        EXPECT_NE(out.failure->message.find(name), std::string::npos) << out.failure->message;
    }
}

TEST(Names, OfMediaFilesGoByAllTheirBrands)
{
    const auto file = [](const std::string &major, const std::string &compatible) {
        const auto length = static_cast<std::uint8_t>(16 + compatible.size());
        return Data{0, 0, 0, length} + bytes_of("ftyp" + major) + Data(4) + bytes_of(compatible) +
               Data{0, 0, 1, 0} + bytes_of("metaavifheic") + Data(100);
    };
    const std::tuple<const char *, const char *, const char *> cases[] = {
        {"heic", "mif1heic", "HEIC"},
        {"heix", "", "HEIC"},
        {"hevc", "", "HEIC"},
        {"hevx", "", "HEIC"},
        {"heim", "", "HEIC"},
        {"heis", "", "HEIC"},
        {"hevm", "", "HEIC"},
        {"hevs", "", "HEIC"},
        {"mif1", "mif1heic", "HEIC"},
        {"msf1", "hevcmsf1", "HEIC"},
        {"mif1", "mif1miafavif", "AVIF"},
        {"avif", "mif1miaf", "AVIF"},
        {"avis", "", "AVIF"},
        {"mif1", "mif1avis", "AVIF"},
        {"miaf", "mif1heix", "HEIC"},
        {"mif1", "mif1", "HEIF"},
        {"crx ", "crx isom", "Canon CR3"},
        {"mp42", "isommp42", "MP4"},
        {"qt  ", "qt  ", "QuickTime"},
        {"isom", "", "MP4"},
    };
    for (const auto &[major, compatible, name] : cases) {
        const Outcome out = run_guard(file(major, compatible));
        ASSERT_EQ(out.code(), "format-unsupported") << major;
        EXPECT_NE(out.failure->message.find(name), std::string::npos)
            << major << ": " << out.failure->message;
        const bool for_phones = out.failure->remedy.find("Most Compatible") != std::string::npos;
        EXPECT_EQ(for_phones, std::string(name) == "HEIC") << out.failure->remedy;
    }
}

TEST(Names, OfRawFilesComeWithTheirOwnRemedy)
{
    for (const Data &file : {bytes_of("FUJIFILMCCD-RAW 0201"), Data{'I', 'I', '*', 0, 8, 0, 0, 0}})
        EXPECT_NE(run_guard(file).failure->remedy.find("camera"), std::string::npos);
}

TEST(Lengths, OfSegmentsThatNobodyReadsMayBeImpossible)
{
    for (const int code : {0xfe, 0xe0, 0xe5, 0xee, 0xef})
        for (const std::uint8_t length : {0, 1}) {
            const Data segment{0xff, static_cast<std::uint8_t>(code), 0, length};
            const Outcome out = run_guard(with_markers(JPEG, segment));
            EXPECT_EQ(out.code(), "ok") << code;
            EXPECT_EQ(out.pixels, run_guard(JPEG).pixels) << code;
        }
    for (const int code : {0xdb, 0xc4, 0xdd, 0xc0, 0xda})
        EXPECT_EQ(run_guard(with_markers(JPEG, {0xff, static_cast<std::uint8_t>(code), 0, 0})).code(),
                  "image-corrupt")
            << code;
}

TEST(Channels, WithoutTheirLowestFrequenciesAreDamage)
{
    // A colour of the picture is missing: viewers show a guess, but what decides is whether all of it is
    // there.
    EXPECT_EQ(run_guard(make_jpeg({.scans = JpegScans::no_second_dc})).code(), "image-corrupt");
}

TEST(Cancelled, DecodingStopsAndIsNoFailure)
{
    for (const Data &data : {JPEG, PROGRESSIVE, PNG, make_image({.suffix = ".png[interlace]"}), WEBP}) {
        Cancellation cancellation;
        ImageGuard guard({}, cancellation);
        ASSERT_FALSE(guard.feed(data));
        ASSERT_FALSE(guard.finish());
        cancellation.set_stopping(true);
        Data pixels(64 * 48 * 3);
        const auto failure = guard.decode({pixels.data(), 64, 48, 64 * 3, 3});
        ASSERT_TRUE(failure);
        EXPECT_EQ(failure->code, "cancelled");
    }
}

TEST(Cancelled, AFlushThatEndsDoesNotTakeBackAStop)
{
    Cancellation cancellation;
    cancellation.set_flushing(true);
    cancellation.set_stopping(true);
    cancellation.set_flushing(false);
    EXPECT_TRUE(cancellation.cancelled());
    cancellation.set_stopping(false);
    EXPECT_FALSE(cancellation.cancelled());
}

} // namespace anime::test
