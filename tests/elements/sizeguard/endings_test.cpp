// SPDX-License-Identifier: LGPL-2.1-or-later
// Images that lack their last marker: whether all of the picture is there decides, in every kind of file.
#include "tests/elements/sizeguard/guard_fixture.h"
#include "tests/elements/sizeguard/test_jpegs.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

namespace anime::test
{

namespace
{

struct Picture {
    std::string name;
    Data file;
    std::size_t end;      ///< of all that makes the picture; behind it come metadata and the last marker
    std::size_t step = 1; ///< between the lengths to try: the colours of CMYK take long to prepare
};

std::size_t after(const Data &file, const std::string &chunk)
{
    return find(file, bytes_of(chunk)) + chunk.size();
}

/// The end of the (last) chunk of picture data, without padding.
std::size_t end_of_webp_picture(const Data &file, const std::string &chunk)
{
    const std::size_t size = after(file, chunk);
    return size + 4 + file[size] + 256u * file[size + 1];
}

std::vector<Picture> pictures()
{
    std::vector<Picture> all;
    const auto jpeg = [&](const std::string &name, const JpegSpec &spec) {
        const Data file = make_jpeg(spec);
        const bool cmyk = spec.colours == JpegColours::cmyk || spec.colours == JpegColours::ycck;
        all.push_back({name, file, file.size() - 2, cmyk ? 41u : 1u});
    };
    jpeg("baseline", {});
    jpeg("baseline_444", {.subsampled = false});
    jpeg("baseline_of_odd_size", {.width = 61, .height = 41});
    jpeg("grey", {.colours = JpegColours::grey});
    jpeg("rgb", {.colours = JpegColours::rgb});
    jpeg("cmyk", {.colours = JpegColours::cmyk});
    jpeg("cmyk_without_markers", {.colours = JpegColours::cmyk, .markers = false});
    jpeg("ycck", {.colours = JpegColours::ycck});
    jpeg("with_restarts", {.restart_interval = 3});
    jpeg("each_channel_in_its_scan", {.scans = JpegScans::each_channel});
    jpeg("progressive", {.scans = JpegScans::progressive});
    jpeg("progressive_with_restarts", {.scans = JpegScans::progressive, .restart_interval = 3});
    jpeg("progressive_grey", {.colours = JpegColours::grey, .scans = JpegScans::progressive});
    jpeg("progressive_cmyk", {.colours = JpegColours::cmyk, .scans = JpegScans::progressive});
    for (const char *suffix : {".png", ".png[interlace]", ".png[palette]"}) {
        const Data file = make_image({.suffix = suffix});
        const std::size_t data = find(file, bytes_of("IDAT"));
        const std::size_t length = file[data - 2] * 256u + file[data - 1];
        all.push_back({suffix, file, data + 4 + length + 4});
    }
    const Data lossy = make_image({.suffix = ".webp"});
    all.push_back({"lossy_webp", lossy, end_of_webp_picture(lossy, "VP8 ")});
    const Data lossless = make_image({.suffix = ".webp[lossless]"});
    all.push_back({"lossless_webp", lossless, end_of_webp_picture(lossless, "VP8L")});
    const Data alpha = make_image({.suffix = ".webp", .bands = 4});
    all.push_back({"webp_with_alpha", alpha, end_of_webp_picture(alpha, "VP8 ")});
    return all;
}

class EveryEnding : public testing::TestWithParam<Picture>
{
};

/// What a phone puts behind its photo: names, a thumbnail with markers of its own, a film.
Data phone_trailer()
{
    std::mt19937 random(5);
    Data film(20'000);
    for (auto &byte : film)
        byte = static_cast<std::uint8_t>(random());
    return bytes_of("SEFHe") + Data{0, 0, 0x30, 0x0a} + bytes_of("Image_UTC_Data1485") + film +
           make_jpeg({.width = 16, .height = 16}) + Data{0, 0, 0, 24} + bytes_of("ftypmp42") + film +
           bytes_of("SEFT");
}

} // namespace

TEST_P(EveryEnding, IsShownFromThereOnWhereAllOfThePictureIsThere)
{
    const auto &[name, file, end, step] = GetParam();
    const Outcome whole = run_guard(file);
    ASSERT_EQ(whole.code(), "ok");
    ASSERT_LT(end, file.size()) << "the test needs something behind the picture";
    for (std::size_t size = end; size < file.size(); ++size) {
        const Outcome out = run_guard(truncated(file, size), {}, 100);
        ASSERT_EQ(out.code(), "ok") << size << " of " << file.size() << " bytes, " << end
                                    << " make the picture";
        EXPECT_EQ(out.pixels, whole.pixels) << size;
        EXPECT_EQ(out.info.bytes, size);
    }
}

TEST_P(EveryEnding, IsRefusedAsTruncatedWhereNot)
{
    const auto &[name, file, end, step] = GetParam();
    Limits shrinking;
    shrinking.max_dimension = 8;
    for (std::size_t size = 1; size < end; size += size + 10 < end ? step : 1) {
        const Data start = truncated(file, size);
        EXPECT_EQ(run_guard(start).code(), "image-truncated") << size << " of " << end << " bytes";
        if (size + 40 > end) {
            EXPECT_EQ(run_guard(start, shrinking).code(), "image-truncated") << size << " of " << end;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryEnding, testing::ValuesIn(pictures()), [](const auto &info) {
    std::string name;
    for (const char c : info.param.name)
        name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
    return name;
});

TEST(JpegWithoutEnd, IsShownWhateverFollows)
{
    const Data trailers[] = {phone_trailer(), bytes_of("no marker at all"), Data(100, 0xff),
                             Data(1000),      Data{0xff, 0xe5, 0, 1},       make_jpeg({})};
    for (const Picture &picture : pictures()) {
        if (picture.file[0] != 0xff)
            continue;
        const Data scan = truncated(picture.file, picture.end);
        const Outcome whole = run_guard(picture.file);
        for (const Data &trailer : trailers) {
            for (const std::size_t piece : {std::size_t{1000}, SIZE_MAX}) {
                const Outcome out = run_guard(scan + trailer, {}, piece);
                ASSERT_EQ(out.code(), "ok") << picture.name << ": " << out.failure->debug;
                EXPECT_EQ(out.pixels, whole.pixels) << picture.name;
                EXPECT_EQ(out.info.bytes, scan.size() + trailer.size());
            }
        }
    }
}

TEST(JpegWithoutEnd, IsDamagedWhereSomethingElseFollowsTooEarly)
{
    for (const JpegScans scans : {JpegScans::one, JpegScans::each_channel, JpegScans::progressive}) {
        const Data file = make_jpeg({.scans = scans});
        for (const std::size_t missing : {3u, 10u, 100u})
            EXPECT_EQ(run_guard(truncated(file, file.size() - missing) + make_jpeg({})).code(),
                      "image-corrupt")
                << missing;
    }
}

TEST(JpegWithoutEnd, BetweenItsScansIsTruncated)
{
    // All channels are there, but coarse.
    const Data file = make_jpeg({.scans = JpegScans::progressive});
    std::size_t scans = 0;
    for (std::size_t at = test::find(file, {0xff, 0xda}, 2); at < file.size();
         at = test::find(file, {0xff, 0xda}, at + 2)) {
        EXPECT_EQ(run_guard(truncated(file, at)).code(), "image-truncated");
        ++scans;
    }
    EXPECT_GT(scans, 5u);
}

TEST(JpegWithoutEnd, OfArithmeticCodingIsTruncated)
{
    // Its encoder leaves zeros at the end out, so that nobody can tell whether data is missing.
    const Data file = make_jpeg({.arithmetic = true});
    EXPECT_EQ(run_guard(file).code(), "ok");
    EXPECT_EQ(run_guard(truncated(file, file.size() - 2)).code(), "image-truncated");
}

TEST(JpegThatShrinks, IsRefusedWhereLinesThatNobodyAsksForAreMissing)
{
    // Reduced to an eighth, the last line of blocks has only a part of a pixel.
    const JpegSpec spec{.colours = JpegColours::grey, .width = 64, .height = 1001};
    const Data file = make_jpeg(spec);
    Limits limits;
    limits.max_dimension = 100;
    ASSERT_EQ(run_guard(file, limits).code(), "ok");
    EXPECT_EQ(run_guard(truncated(file, file.size() - 2), limits).code(), "ok");
    EXPECT_EQ(run_guard(truncated(file, file.size() - 4), limits).code(), "image-truncated");
}

TEST(PngWithoutEnd, IsShownWhateverFollows)
{
    const Data file = make_image({.suffix = ".png"});
    const Outcome whole = run_guard(file);
    const std::size_t end = find(file, bytes_of("IEND")) - 4;
    for (const Data &behind :
         {Data(100), bytes_of("\x01\x02junk that is no chunk"), Data{0, 0, 0, 9, 'I', 'E', 'N', 'D'},
          Data{0, 0, 0, 0, 'I', 'E', 'N', 'D', 1, 2, 3, 4}}) {
        const Outcome out = run_guard(truncated(file, end) + behind);
        ASSERT_EQ(out.code(), "ok");
        EXPECT_EQ(out.pixels, whole.pixels);
    }
}

TEST(PngWithoutEnd, ThatIsAnimatedIsItsFirstFrame)
{
    const Data file = make_image({.suffix = ".png"});
    const std::size_t data = find(file, bytes_of("IDAT")) - 4;
    const std::size_t end = find(file, bytes_of("IEND")) - 4;
    const auto part = [&](std::size_t from, std::size_t to) {
        return Data(file.begin() + static_cast<std::ptrdiff_t>(from),
                    file.begin() + static_cast<std::ptrdiff_t>(to));
    };
    const Data animation = part(0, data) + png_chunk("acTL", {0, 0, 0, 2, 0, 0, 0, 0}) +
                           png_chunk("fcTL", Data(26)) + part(data, end) + png_chunk("fcTL", Data(26)) +
                           png_chunk("fdAT", Data(50));
    for (const std::size_t missing : {0u, 5u, 70u}) {
        const Outcome out = run_guard(truncated(animation, animation.size() - missing));
        ASSERT_EQ(out.code(), "ok") << missing;
        EXPECT_EQ(out.pixels, run_guard(file).pixels);
    }
}

TEST(PngWithoutEnd, IsTruncatedWhereLinesAreMissing)
{
    // The chunk is whole, and says less than the header promises.
    const Data file = make_image({.suffix = ".png"});
    const std::size_t data = find(file, bytes_of("IDAT")) - 4;
    const std::size_t end = find(file, bytes_of("IEND")) - 4;
    const Data taller = png_header(64, 480, 8, 2) + Data(file.begin() + static_cast<std::ptrdiff_t>(data),
                                                         file.begin() + static_cast<std::ptrdiff_t>(end));
    EXPECT_EQ(run_guard(taller).code(), "image-truncated");
}

TEST(WebpWithoutEnd, MayLackTheLastPaddingByte)
{
    // By the rules a chunk of odd length is padded; writers forget it, in the file and in its declared
    // length. libwebp's own encoder makes all lengths even with a byte that its decoder doesn't need.
    const Data image = make_image({.suffix = ".webp"});
    const auto picture = image.begin() + static_cast<std::ptrdiff_t>(after(image, "VP8 ")) + 4;
    const auto picture_end = image.begin() + static_cast<std::ptrdiff_t>(end_of_webp_picture(image, "VP8 "));
    const Data even = webp_chunk("RIFF", bytes_of("WEBP") + webp_chunk("VP8 ", Data(picture, picture_end)));
    const std::size_t end = even.size();
    const auto declaring = [&](std::size_t file_length, std::size_t picture_length) {
        const auto bytes = [](std::size_t n) {
            return Data{static_cast<std::uint8_t>(n), static_cast<std::uint8_t>(n >> 8), 0, 0};
        };
        return overwritten(overwritten(even, 4, bytes(file_length - 8)), 16, bytes(picture_length));
    };
    const std::size_t odd = end - 20 - 1;
    const Data padded = declaring(end, odd);
    ASSERT_EQ(run_guard(padded).code(), "ok");
    const Outcome whole = run_guard(even);
    for (const Data &file : {truncated(padded, end - 1), truncated(declaring(end - 1, odd), end - 1),
                             overwritten(declaring(end - 1, odd), end - 1, {7})}) {
        const Outcome out = run_guard(file);
        ASSERT_EQ(out.code(), "ok") << out.failure->debug;
        EXPECT_EQ(out.pixels, whole.pixels);
    }
}

TEST(WebpWithoutEnd, ThatIsAnimatedIsItsFirstFrame)
{
    const Data file = make_animation();
    const std::size_t second = find(file, bytes_of("ANMF"), find(file, bytes_of("ANMF")) + 4);
    for (const std::size_t size : {second, second + 30}) {
        const Outcome out = run_guard(truncated(file, size));
        ASSERT_EQ(out.code(), "ok") << size;
        EXPECT_EQ(out.at(0, 0), (std::array{255, 0, 0, 255}));
    }
    EXPECT_EQ(run_guard(truncated(file, second - 2)).code(), "image-truncated");
}

} // namespace anime::test
