// SPDX-License-Identifier: LGPL-2.1-or-later
// What a file says of its colours: profiles, the chunks of a PNG, CMYK, the depth of alpha.
#include "tests/elements/sizeguard/guard_fixture.h"
#include "tests/elements/sizeguard/test_jpegs.h"
#include "tests/elements/sizeguard/test_pngs.h"
#include "tests/elements/sizeguard/test_profiles.h"

#include <gtest/gtest.h>

#include <cmath>

namespace anime::test
{

namespace
{

constexpr std::array RED{255, 0, 0, 255};
constexpr std::array GREEN{0, 255, 0, 255};

void expect_near(const std::array<int, 4> &actual, const std::array<int, 4> &expected, int tolerance,
                 const std::string &what = "")
{
    for (int i = 0; i < 4; ++i)
        EXPECT_NEAR(actual[i], expected[i], tolerance) << what << ", channel " << i;
}

/// A PNG of one colour, 8 bits.
Data flat_png(std::vector<unsigned> colour, const Data &chunks, int colour_type = 2)
{
    return make_png(
        {.colour_type = colour_type, .pixel = [colour](int, int) { return colour; }, .chunks = chunks});
}

Data big_endian(std::uint32_t value)
{
    return {static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16),
            static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
}

Data cicp(int primaries, int transfer, int matrix = 0, int full_range = 1)
{
    const auto byte = [](int value) { return static_cast<std::uint8_t>(value); };
    return png_chunk("cICP", {byte(primaries), byte(transfer), byte(matrix), byte(full_range)});
}

Data gama(double gamma)
{
    return png_chunk("gAMA", big_endian(static_cast<std::uint32_t>(std::lround(gamma * 100000))));
}

Data chrm(const std::array<double, 8> &white_red_green_blue)
{
    Data payload;
    for (const double value : white_red_green_blue)
        payload = payload + big_endian(static_cast<std::uint32_t>(std::lround(value * 100000)));
    return png_chunk("cHRM", payload);
}

const Data SRGB_CHUNK = png_chunk("sRGB", {0});
constexpr std::array DISPLAY_P3{0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060};

Data jpeg_with_profile(const Data &profile, const JpegSpec &spec = {})
{
    return with_markers(make_jpeg(spec),
                        jpeg_marker(0xe2, bytes_of("ICC_PROFILE") + Data{0, 1, 1} + profile));
}

int srgb_of_light(double light)
{
    const double signal = light <= 0.0031308 ? 12.92 * light : 1.055 * std::pow(light, 1 / 2.4) - 0.055;
    return static_cast<int>(std::lround(255 * signal));
}

} // namespace

TEST(Alpha, IsScaledLikeTheColoursInEveryDepth)
{
    struct Case {
        const char *name;
        int depth, colour_type;
        Data chunks;
    };
    const Data rgb = png_profile_chunk(swapping_profile());
    const Data grey = png_profile_chunk(grey_profile(1.8));
    const Case cases[] = {
        {"RGBA 8", 8, 6, {}},
        {"RGBA 16", 16, 6, {}},
        {"grey and alpha 8", 8, 4, {}},
        {"grey and alpha 16", 16, 4, {}},
        {"RGBA 8, profile", 8, 6, rgb},
        {"RGBA 16, profile", 16, 6, rgb},
        {"grey and alpha 8, grey profile", 8, 4, grey},
        {"grey and alpha 16, grey profile", 16, 4, grey},
        {"grey and alpha 16, RGB profile", 16, 4, rgb},
        {"RGBA 16, gamma", 16, 6, gama(1.0)},
        {"grey and alpha 16, gamma", 16, 4, gama(1.0)},
        {"RGBA 8, cICP", 8, 6, cicp(12, 13)},
        {"RGBA 16, cICP", 16, 6, cicp(9, 16)},
        {"RGBA 16, cICP of video range", 16, 6, cicp(1, 13, 0, 0)},
        {"grey and alpha 16, cICP", 16, 4, cicp(12, 1)},
        {"RGBA 16, a broken profile", 16, 6, png_profile_chunk(bytes_of("none"))},
    };
    constexpr int WIDTH = 96;
    for (const Case &c : cases) {
        const unsigned most = c.depth == 16 ? 65535 : 255;
        const auto pixel = [&](int x, int) {
            std::vector<unsigned> samples(c.colour_type == 4 ? 1 : 3, most);
            samples.push_back(static_cast<unsigned>(x) * most / (WIDTH - 1));
            return samples;
        };
        const Data file = make_png({.width = WIDTH,
                                    .height = 8,
                                    .depth = c.depth,
                                    .colour_type = c.colour_type,
                                    .pixel = pixel,
                                    .chunks = c.chunks});
        const Outcome out = run_guard(file, {}, SIZE_MAX, 4);
        ASSERT_EQ(out.code(), "ok") << c.name << out.failure->debug;
        EXPECT_TRUE(out.info.has_alpha) << c.name;
        for (unsigned x = 0; x < WIDTH; ++x) {
            EXPECT_NEAR(out.at(x, 4)[3], x * 255 / (WIDTH - 1), 1) << c.name << " at " << x;
            EXPECT_NEAR(out.at(x, 4)[0], 255, 2) << c.name << " at " << x;
        }
        Limits limits;
        limits.max_dimension = WIDTH / 4;
        const Outcome small = run_guard(file, limits, SIZE_MAX, 4);
        ASSERT_EQ(small.code(), "ok") << c.name;
        for (unsigned x = 2; x < WIDTH / 4 - 2; ++x)
            EXPECT_NEAR(small.at(x, 1)[3], (4 * x + 1.5) * 255 / (WIDTH - 1), 2) << c.name << " at " << x;
    }
}

TEST(Alpha, OfOneTransparentColourIsHiddenInEveryDepth)
{
    for (const int depth : {8, 16}) {
        for (const int type : {0, 2}) {
            for (const Data &profile :
                 {Data{}, png_profile_chunk(type == 0 ? grey_profile(1.8) : swapping_profile())}) {
                const unsigned most = depth == 16 ? 65535 : 255;
                const unsigned hidden = most / 3;
                const auto pixel = [&](int x, int) {
                    return std::vector<unsigned>(type == 0 ? 1 : 3, x < 8 ? hidden : most);
                };
                const auto low = static_cast<std::uint8_t>(hidden);
                const Data sample{static_cast<std::uint8_t>(hidden >> 8), low};
                const Data trns = png_chunk("tRNS", type == 0 ? sample : sample + sample + sample);
                const Outcome out = run_guard(
                    make_png({.depth = depth, .colour_type = type, .pixel = pixel, .chunks = profile + trns}),
                    {}, SIZE_MAX, 4);
                ASSERT_EQ(out.code(), "ok") << depth << " bits, type " << type;
                EXPECT_TRUE(out.info.has_alpha);
                EXPECT_EQ(out.at(3, 3)[3], 0);
                EXPECT_EQ(out.at(12, 3)[3], 255);
                EXPECT_NEAR(out.at(12, 3)[0], 255, 2);
            }
        }
    }
}

TEST(Profile, IsUsedByTheTableThatItHas)
{
    for (const char *table : {"A2B0", "A2B1"}) {
        const Data profile = swapping_table_profile(table);
        const Data webp = webp_chunk(
            "RIFF", bytes_of("WEBP") + webp_chunk("VP8X", {0x20, 0, 0, 0, 63, 0, 0, 47, 0, 0}) +
                        webp_chunk("ICCP", profile) + picture_of(make_image({.suffix = ".webp[lossless]"})));
        for (const Data &file :
             {jpeg_with_profile(profile), webp, flat_png({255, 0, 0}, png_profile_chunk(profile))}) {
            const Outcome out = run_guard(file);
            ASSERT_EQ(out.code(), "ok");
            EXPECT_STREQ(out.info.colours.source, "icc");
            EXPECT_STREQ(out.info.colours.fault, "");
            expect_near(out.at(1, 1), GREEN, 6, table);
        }
    }
}

TEST(Profile, ThatCannotBeUsedIsToldWithItsReason)
{
    const std::pair<Data, const char *> cases[] = {
        {bytes_of("no profile at all"), "icc-broken"},
        {swapping_table_profile("A2B2"), "icc-tables"},
        {lab_profile(), "icc-colours"},
        {grey_profile(1.8), "icc-colours"},
        {swapping_profile("D2B0", Data(16)), "icc-element-lists"},
        {truncated(swapping_profile(), 100), "icc-broken"},
    };
    for (const auto &[profile, fault] : cases) {
        for (const Data &file :
             {jpeg_with_profile(profile), flat_png({255, 0, 0}, png_profile_chunk(profile))}) {
            const Outcome out = run_guard(file);
            ASSERT_EQ(out.code(), "ok") << fault;
            EXPECT_STREQ(out.info.colours.source, "srgb") << fault;
            EXPECT_STREQ(out.info.colours.fault, fault);
            expect_near(out.at(1, 1), RED, 4, fault);
        }
    }
    const Data part = jpeg_marker(0xe2, bytes_of("ICC_PROFILE") + Data{0, 1, 2} + swapping_profile());
    EXPECT_STREQ(run_guard(with_markers(make_jpeg({}), part)).info.colours.fault, "icc-broken")
        << "the second part is missing";
    const Data undeflated = png_chunk("iCCP", bytes_of("p") + Data{0, 0} + swapping_profile());
    EXPECT_STREQ(run_guard(flat_png({255, 0, 0}, undeflated)).info.colours.fault, "icc-broken");
}

TEST(Profile, OfRgbColoursGreyPicturesToo)
{
    // By an RGB profile of gamma 2.2 grey stays grey.
    const Outcome jpeg = run_guard(jpeg_with_profile(swapping_profile(), {.colours = JpegColours::grey}));
    EXPECT_STREQ(jpeg.info.colours.source, "icc");
    expect_near(jpeg.at(1, 1), {50, 50, 50, 255}, 4);
    const Outcome png = run_guard(flat_png({128}, png_profile_chunk(swapping_profile()), 0));
    EXPECT_STREQ(png.info.colours.source, "icc");
    expect_near(png.at(1, 1), {128, 128, 128, 255}, 2);
}

TEST(Cmyk, IsStoredInvertedWithAndWithoutAdobesMarker)
{
    for (const JpegColours colours : {JpegColours::cmyk, JpegColours::ycck}) {
        const Outcome with = run_guard(make_jpeg({.colours = colours}));
        ASSERT_EQ(with.code(), "ok");
        EXPECT_STREQ(with.info.colours.source, "cmyk");
        expect_near(with.at(48, 36), {255, 255, 255, 255}, 8, "paper");
        if (colours == JpegColours::ycck)
            continue; // without the marker it is taken for CMYK: nothing else tells
        EXPECT_EQ(run_guard(make_jpeg({.colours = colours, .markers = false})).pixels, with.pixels);
    }
}

TEST(JpegIdentifiers, MayBeEqual)
{
    const Outcome expected = run_guard(make_jpeg({}));
    for (const std::array<int, 4> ids :
         {std::array{1, 2, 2, 0}, {0, 0, 0, 0}, {7, 7, 9, 0}, {1, 1, 2, 0}, {255, 0, 255, 0}})
        for (const bool markers : {true, false}) {
            const Outcome out = run_guard(make_jpeg({.markers = markers, .ids = ids}));
            ASSERT_EQ(out.code(), "ok") << ids[0] << ids[1] << ids[2];
            EXPECT_EQ(out.pixels, expected.pixels) << ids[0] << ids[1] << ids[2];
        }
    const Outcome cmyk = run_guard(make_jpeg({.colours = JpegColours::cmyk}));
    for (const std::array<int, 4> ids : {std::array{1, 1, 2, 3}, {0, 0, 0, 0}, {1, 2, 3, 3}}) {
        const Outcome out = run_guard(make_jpeg({.colours = JpegColours::cmyk, .ids = ids}));
        ASSERT_EQ(out.code(), "ok");
        EXPECT_EQ(out.pixels, cmyk.pixels);
    }
}

TEST(JpegIdentifiers, ThatTheImageDoesNotHaveAreDamage)
{
    Data file = make_jpeg({});
    const std::size_t scan = test::find(file, {0xff, 0xda});
    EXPECT_EQ(run_guard(overwritten(file, scan + 5, {9})).code(), "image-corrupt");
}

TEST(Cicp, TellsPrimariesAndTransfer)
{
    struct Case {
        const char *name;
        int primaries, transfer;
        std::vector<unsigned> in;
        std::array<int, 4> out;
    };
    // Computed by the formulas of H.273 and IEC 61966-2-1, for colours inside sRGB.
    const Case cases[] = {
        {"sRGB", 1, 13, {200, 100, 50}, {200, 100, 50, 255}},
        {"Display P3, the red that is sRGB's", 12, 13, {234, 51, 35}, {255, 0, 0, 255}},
        {"Display P3, the green that is sRGB's", 12, 13, {117, 251, 76}, {0, 255, 0, 255}},
        {"BT.2020 primaries, sRGB's white", 9, 13, {255, 255, 255}, {255, 255, 255, 255}},
        {"BT.709 curve, middle",
         1,
         1,
         {128, 128, 128},
         {srgb_of_light(std::pow((128 / 255.0 + 0.0993) / 1.0993, 1 / 0.45)), 0, 0, 255}},
        {"BT.2020 curve",
         1,
         14,
         {64, 64, 64},
         {srgb_of_light(std::pow((64 / 255.0 + 0.0993) / 1.0993, 1 / 0.45)), 0, 0, 255}},
        {"gamma 2.2", 1, 4, {128, 128, 128}, {srgb_of_light(std::pow(128 / 255.0, 2.2)), 0, 0, 255}},
        {"linear", 1, 8, {55, 55, 55}, {srgb_of_light(55 / 255.0), 0, 0, 255}},
        // 203 cd/m² are paper white; up to 0.6 of it light is kept.
        {"PQ, 100 cd/m²", 9, 16, {130, 130, 130}, {srgb_of_light(100 / 203.0), 0, 0, 255}},
        {"PQ, black", 9, 16, {0, 0, 0}, {0, 0, 0, 255}},
        {"PQ, 1000 cd/m² and more", 9, 16, {200, 200, 200}, {255, 255, 255, 255}},
        {"HLG, a grey of 0.38",
         9,
         18,
         {97, 97, 97},
         {srgb_of_light(1000 * std::pow(0.38 * 0.38 / 3, 1.2) / 203), 0, 0, 255}},
        {"HLG, white", 9, 18, {255, 255, 255}, {255, 255, 255, 255}},
    };
    for (const Case &c : cases) {
        std::array<int, 4> expected = c.out;
        if (c.in[0] == c.in[1] && c.in[1] == c.in[2])
            expected[1] = expected[2] = expected[0];
        const Outcome out = run_guard(flat_png(c.in, cicp(c.primaries, c.transfer)));
        ASSERT_EQ(out.code(), "ok") << c.name;
        EXPECT_STREQ(out.info.colours.source, "cicp") << c.name;
        expect_near(out.at(1, 1), expected, 3, c.name);
    }
}

TEST(Cicp, GreyAndVideoRangeAreUnderstood)
{
    expect_near(run_guard(flat_png({55}, cicp(1, 8), 0)).at(1, 1),
                {srgb_of_light(55 / 255.0), srgb_of_light(55 / 255.0), srgb_of_light(55 / 255.0), 255}, 2);
    const Data video = cicp(1, 13, 0, 0);
    expect_near(run_guard(flat_png({16, 126, 235}, video)).at(1, 1), {0, 128, 255, 255}, 1);
    expect_near(run_guard(flat_png({0, 10, 255}, video)).at(1, 1), {0, 0, 255, 255}, 0);
    const Data sixteen = make_png({.depth = 16,
                                   .pixel =
                                       [](int, int) {
                                           return std::vector<unsigned>{16 << 8, 126 << 8, 235 << 8};
                                       },
                                   .chunks = video});
    expect_near(run_guard(sixteen).at(1, 1), {0, 128, 255, 255}, 1);
}

TEST(Cicp, ThatIsNotSupportedIsToldAndTheNextInRankCounts)
{
    const Data swapping = png_profile_chunk(swapping_profile());
    for (const Data &unknown : {cicp(2, 2), cicp(1, 13, 1), cicp(10, 13), cicp(1, 9), cicp(255, 255)}) {
        const Outcome alone = run_guard(flat_png({255, 0, 0}, unknown));
        EXPECT_STREQ(alone.info.colours.fault, "cicp-unsupported");
        EXPECT_STREQ(alone.info.colours.source, "srgb");
        expect_near(alone.at(1, 1), RED, 0);
        const Outcome with_profile = run_guard(flat_png({255, 0, 0}, unknown + swapping));
        EXPECT_STREQ(with_profile.info.colours.source, "icc");
        EXPECT_STREQ(with_profile.info.colours.fault, "cicp-unsupported");
    }
}

TEST(PngColours, HaveTheRankOfTheSpecification)
{
    const Data icc = png_profile_chunk(swapping_profile());
    const Data broken = png_profile_chunk(bytes_of("none"));
    const Data linear = gama(1.0);
    const Data p3 = cicp(12, 13);
    struct Case {
        const char *name;
        Data chunks;
        const char *source;
    };
    const Case cases[] = {
        {"cICP before all", icc + SRGB_CHUNK + linear + p3, "cicp"},
        {"iCCP before sRGB", SRGB_CHUNK + icc + linear, "icc"},
        {"sRGB before gAMA", linear + chrm(DISPLAY_P3) + SRGB_CHUNK, "srgb"},
        {"gAMA and cHRM", linear + chrm(DISPLAY_P3), "gamma"},
        {"gAMA behind a broken profile", broken + linear, "gamma"},
        {"sRGB behind a broken profile", broken + SRGB_CHUNK + linear, "srgb"},
        {"cHRM alone", chrm(DISPLAY_P3), "srgb"},
        {"gAMA with a wrong sum", overwritten(linear, linear.size() - 1, {7}), "srgb"},
        {"gAMA of a wrong length", png_chunk("gAMA", {0, 1}), "srgb"},
        {"the first gAMA", gama(0.45455) + linear, "srgb"},
    };
    for (const Case &c : cases)
        EXPECT_STREQ(run_guard(flat_png({200, 100, 50}, c.chunks)).info.colours.source, c.source) << c.name;
    const Data late = flat_png({200, 100, 50}, {});
    const std::size_t end = test::find(late, bytes_of("IEND")) - 4;
    EXPECT_EQ(run_guard(truncated(late, end) + linear +
                        Data(late.begin() + static_cast<std::ptrdiff_t>(end), late.end()))
                  .at(1, 1),
              (std::array{200, 100, 50, 255}))
        << "behind the picture";
}

TEST(Gamma, ThatDiffersFromSrgbsIsUndone)
{
    for (const int value : {20, 55, 128, 200}) {
        const auto in = static_cast<unsigned>(value);
        const int linear = srgb_of_light(value / 255.0);
        expect_near(run_guard(flat_png({in, in, in}, gama(1.0))).at(1, 1), {linear, linear, linear, 255}, 2,
                    "linear");
        expect_near(run_guard(flat_png({in}, gama(1.0), 0)).at(1, 1), {linear, linear, linear, 255}, 2,
                    "grey");
        const int mac = srgb_of_light(std::pow(value / 255.0, 1.8));
        expect_near(run_guard(flat_png({in, in, in}, gama(1 / 1.8))).at(1, 1), {mac, mac, mac, 255}, 2,
                    "1.8");
    }
    for (const double like : {0.45455, 0.45, 0.4545, 0.46})
        EXPECT_EQ(run_guard(flat_png({200, 100, 50}, gama(like))).at(1, 1), (std::array{200, 100, 50, 255}))
            << like;
    for (const double impossible : {0.0, 0.00001, 1000.0})
        EXPECT_EQ(run_guard(flat_png({200, 100, 50}, gama(impossible))).at(1, 1),
                  (std::array{200, 100, 50, 255}));
}

TEST(Gamma, IsJoinedByPrimaries)
{
    const Data p3 = gama(0.45455) + chrm(DISPLAY_P3);
    expect_near(run_guard(flat_png({234, 51, 35}, p3)).at(1, 1), {255, 0, 0, 255}, 8, "P3 red");
    const Data none = gama(1.0) + chrm({0, 0, 0, 0, 0, 0, 0, 0});
    const int grey = srgb_of_light(0.5);
    expect_near(run_guard(flat_png({128, 128, 128}, none)).at(1, 1), {grey, grey, grey, 255}, 2,
                "impossible ones");
}

} // namespace anime::test
