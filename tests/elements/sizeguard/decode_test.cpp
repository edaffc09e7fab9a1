// SPDX-License-Identifier: LGPL-2.1-or-later
// Good images of every kind come out with the right size, orientation and colours.
#include "elements/sizeguard/exif.h"
#include "tests/elements/sizeguard/guard_fixture.h"

#include <gtest/gtest.h>

namespace anime::test
{

namespace
{

using Colour = std::array<int, 4>;
constexpr Colour RED{255, 0, 0, 255};
constexpr Colour GREEN{0, 255, 0, 255};
constexpr Colour BLUE{0, 0, 255, 255};
constexpr Colour WHITE{255, 255, 255, 255};

/// The middle of the four quarters: left top, right top, left bottom, right bottom.
std::array<Colour, 4> quarters(const Outcome &out)
{
    const unsigned w = out.info.width;
    const unsigned h = out.info.height;
    return {out.at(w / 4, h / 4), out.at(3 * w / 4, h / 4), out.at(w / 4, 3 * h / 4),
            out.at(3 * w / 4, 3 * h / 4)};
}

void expect_near(const Colour &actual, const Colour &expected, int tolerance, const std::string &what)
{
    for (int i = 0; i < 4; ++i)
        EXPECT_NEAR(actual[i], expected[i], tolerance) << what << ", channel " << i;
}

struct Kind {
    const char *name;
    Spec spec;
    int tolerance = 0;
};

class EveryKind : public testing::TestWithParam<Kind>
{
};

const Kind KINDS[] = {
    {"baseline_jpeg", {.suffix = ".jpg[Q=100]"}, 4},
    {"progressive_jpeg", {.suffix = ".jpg[Q=100,interlace]"}, 4},
    {"jpeg_444", {.suffix = ".jpg[Q=100,subsample-mode=off]"}, 4},
    {"grey_jpeg", {.suffix = ".jpg[Q=100]", .bands = 1}, 3},
    {"cmyk_jpeg", {.suffix = ".jpg[Q=100]", .cmyk = true}, 135} /* as printed, by a press profile */,
    {"png", {.suffix = ".png"}},
    {"interlaced_png", {.suffix = ".png[interlace]"}},
    {"palette_png", {.suffix = ".png[palette]"}},
    {"one_bit_png", {.suffix = ".png[palette,bitdepth=2]"}},
    {"grey_png", {.suffix = ".png", .bands = 1}},
    {"grey_alpha_png", {.suffix = ".png", .bands = 2}},
    {"rgba_png", {.suffix = ".png", .bands = 4}},
    {"sixteen_bit_png", {.suffix = ".png", .sixteen = true}, 1},
    {"sixteen_bit_grey_png", {.suffix = ".png", .bands = 1, .sixteen = true}, 1},
    {"sixteen_bit_rgba_png", {.suffix = ".png", .bands = 4, .sixteen = true}, 1},
    {"webp", {.suffix = ".webp[Q=100]"}, 8},
    {"lossless_webp", {.suffix = ".webp[lossless]"}},
    {"alpha_webp", {.suffix = ".webp[Q=100]", .bands = 4}, 8},
    {"lossless_alpha_webp", {.suffix = ".webp[lossless]", .bands = 4}},
};

} // namespace

TEST_P(EveryKind, HasItsSizeAndColours)
{
    const auto &[name, spec, tolerance] = GetParam();
    const Outcome out = run_guard(make_image(spec));
    ASSERT_EQ(out.code(), "ok") << out.failure->debug;
    EXPECT_EQ(out.info.source_width, 64u);
    EXPECT_EQ(out.info.source_height, 48u);
    EXPECT_EQ(out.info.width, 64u);
    EXPECT_EQ(out.info.height, 48u);
    EXPECT_FALSE(out.info.shrunk);
    const bool alpha = spec.bands % 2 == 0;
    EXPECT_EQ(out.info.has_alpha, alpha);
    const bool grey = spec.bands < 3;
    const Colour expected[4] = {
        grey ? Colour{50, 50, 50, 255} : RED, grey ? Colour{100, 100, 100, 255} : GREEN,
        grey ? Colour{150, 150, 150, 255} : BLUE, grey && !alpha ? Colour{200, 200, 200, 255} : WHITE};
    const auto actual = quarters(out);
    for (int i = 0; i < 4; ++i)
        expect_near(actual[i], expected[i], tolerance, name);
}

TEST_P(EveryKind, ShrinksToTheLimit)
{
    Spec spec = GetParam().spec;
    spec.width = 301;
    spec.height = 203;
    Limits limits;
    limits.max_dimension = 37;
    const Outcome out = run_guard(make_image(spec), limits);
    ASSERT_EQ(out.code(), "ok") << out.failure->debug;
    EXPECT_TRUE(out.info.shrunk);
    EXPECT_EQ(out.info.width, 37u);
    EXPECT_EQ(out.info.height, 25u);
    if (spec.bands >= 3)
        expect_near(quarters(out)[0], RED, std::max(GetParam().tolerance, 2), GetParam().name);
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryKind, testing::ValuesIn(KINDS),
                         [](const auto &info) { return info.param.name; });

TEST(Transparency, IsKeptWhereTheOutputHasRoomAndIsWhiteWhereNot)
{
    for (const char *suffix : {".png", ".webp[lossless]"}) {
        const Data image = make_image({.suffix = suffix, .bands = 4});
        const Outcome rgba = run_guard(image, {}, SIZE_MAX, 4);
        EXPECT_EQ(quarters(rgba)[0], RED);
        EXPECT_EQ(quarters(rgba)[3][3], 0);
        EXPECT_EQ(quarters(run_guard(image))[3], WHITE);
    }
}

TEST(Transparency, OpaqueImagesFillTheFourthByte)
{
    const Outcome out = run_guard(make_image({.suffix = ".png"}), {}, SIZE_MAX, 4);
    EXPECT_EQ(quarters(out), (std::array{RED, GREEN, BLUE, WHITE}));
}

TEST(Orientation, AllEightAreTurnedUpright)
{
    // Where the file's left top, right top, left bottom, right bottom quarters are seen.
    const std::array<Colour, 4> seen[8] = {
        {RED, GREEN, BLUE, WHITE}, {GREEN, RED, WHITE, BLUE}, {WHITE, BLUE, GREEN, RED},
        {BLUE, WHITE, RED, GREEN}, {RED, BLUE, GREEN, WHITE}, {BLUE, RED, WHITE, GREEN},
        {WHITE, GREEN, BLUE, RED}, {GREEN, WHITE, RED, BLUE},
    };
    for (const char *suffix : {".png", ".webp[lossless]", ".jpg[Q=100]"}) {
        for (int orientation = 1; orientation <= 8; ++orientation) {
            const Data image =
                make_image({.suffix = suffix, .width = 40, .height = 24, .orientation = orientation});
            const Outcome out = run_guard(image);
            ASSERT_EQ(out.code(), "ok");
            EXPECT_EQ(out.info.orientation, orientation) << suffix;
            EXPECT_EQ(out.info.width, orientation > 4 ? 24u : 40u);
            EXPECT_EQ(out.info.height, orientation > 4 ? 40u : 24u);
            const auto actual = quarters(out);
            for (int i = 0; i < 4; ++i)
                expect_near(actual[i], seen[orientation - 1][i], suffix[1] == 'j' ? 4 : 0,
                            suffix + std::to_string(orientation));
            if (suffix[1] == 'j')
                continue;
            EXPECT_EQ(out.at(0, 0), seen[orientation - 1][0]);
            EXPECT_EQ(out.at(out.info.width - 1, 0), seen[orientation - 1][1]);
            EXPECT_EQ(out.at(0, out.info.height - 1), seen[orientation - 1][2]);
            EXPECT_EQ(out.at(out.info.width - 1, out.info.height - 1), seen[orientation - 1][3]);
        }
    }
}

TEST(Orientation, IsLeftAloneWhereNotAskedFor)
{
    Limits limits;
    limits.auto_rotate = false;
    const Outcome out = run_guard(make_image({.suffix = ".png", .orientation = 6}), limits);
    EXPECT_EQ(quarters(out), (std::array{RED, GREEN, BLUE, WHITE}));
    EXPECT_EQ(out.info.orientation, 6);
}

TEST(Orientation, DamagedExifMeansUpright)
{
    const Data good = truncated(exif_with(6), 28);
    EXPECT_EQ(exif_orientation(good), 6);
    for (std::size_t size = 0; size < good.size(); ++size)
        EXPECT_EQ(exif_orientation(truncated(good, size)), 1) << size;
    EXPECT_EQ(exif_orientation(overwritten(good, 25, {9})), 1); // no such orientation
    EXPECT_EQ(exif_orientation(overwritten(good, 10, {0xff, 0xff, 0xff, 0xff})),
              1); // directory out of bounds
    EXPECT_EQ(exif_orientation(overwritten(good, 16, {0xff, 0xff})), 1);
    EXPECT_EQ(exif_orientation(overwritten(good, 7, {'I'})), 1);
}

TEST(Orientation, IsReadFromEveryTypeOfInteger)
{
    struct Type {
        std::uint8_t number;
        std::size_t size;
    };
    for (const Type type : {Type{1, 1}, {3, 2}, {4, 4}, {6, 1}, {8, 2}, {9, 4}}) {
        for (const bool little : {false, true}) {
            const auto number = [&](std::uint32_t value, std::size_t size) {
                Data bytes(size);
                for (std::size_t i = 0; i < size; ++i)
                    bytes[little ? i : size - 1 - i] = static_cast<std::uint8_t>(value >> (8 * i));
                return bytes;
            };
            const auto exif = [&](std::uint32_t count, const Data &value) {
                return Data(2, little ? 'I' : 'M') + number(42, 2) + number(8, 4) + number(1, 2) +
                       number(0x112, 2) + number(type.number, 2) + number(count, 4) + value + number(0, 4);
            };
            const auto inside = [&](std::uint32_t value) {
                return number(value, type.size) + Data(4 - type.size);
            };
            for (std::uint32_t value = 1; value <= 8; ++value)
                EXPECT_EQ(exif_orientation(exif(1, inside(value))), static_cast<int>(value))
                    << "type " << int{type.number} << (little ? ", little" : ", big") << " endian";
            EXPECT_EQ(exif_orientation(exif(1, inside(0))), 1);
            EXPECT_EQ(exif_orientation(exif(1, inside(9))), 1);
            EXPECT_EQ(exif_orientation(exif(1, inside(0xffffffff))), 1) << "-1";
            // Several values stand elsewhere.
            const Data far = exif(5, number(26, 4)) + number(6, type.size) + Data(4 * type.size);
            EXPECT_EQ(exif_orientation(far), 6) << "type " << int{type.number};
            EXPECT_EQ(exif_orientation(exif(5, number(1000, 4))), 1) << "out of bounds";
            EXPECT_EQ(exif_orientation(exif(0xffffffff, number(0xffffffff, 4))), 1);
        }
    }
    for (const std::uint8_t other : {0, 2, 5, 7, 10, 12, 13})
        EXPECT_EQ(exif_orientation(overwritten(exif_with(6), 19, {other})), 1) << int{other};
}

TEST(Orientation, TheFirstExifDataCounts)
{
    const Data six = exif_with(6);
    const Data one = exif_with(1);
    const Data three = exif_with(3);
    const auto orientation = [](const Data &file) {
        const Outcome out = run_guard(file);
        EXPECT_EQ(out.code(), "ok");
        return out.info.orientation;
    };
    const Data jpeg = make_image({});
    EXPECT_EQ(orientation(with_markers(jpeg, jpeg_marker(0xe1, six) + jpeg_marker(0xe1, one))), 6);
    EXPECT_EQ(orientation(with_markers(jpeg, jpeg_marker(0xe1, bytes_of("http://ns.adobe.com/xap/1.0/")) +
                                                 jpeg_marker(0xe1, six) + jpeg_marker(0xe1, three))),
              6);
    EXPECT_EQ(orientation(truncated(jpeg, jpeg.size() - 2) + jpeg_marker(0xe1, six)), 1)
        << "behind the picture";

    const Data png = make_image({.suffix = ".png"});
    const auto png_with = [&](const Data &before, const Data &behind) {
        const auto at = [&](const char *chunk) {
            return png.begin() + static_cast<std::ptrdiff_t>(find(png, bytes_of(chunk))) - 4;
        };
        return Data(png.begin(), at("IDAT")) + before + Data(at("IDAT"), at("IEND")) + behind +
               Data(at("IEND"), png.end());
    };
    const auto chunk = [](const Data &exif) { return png_chunk("eXIf", Data(exif.begin() + 6, exif.end())); };
    EXPECT_EQ(orientation(png_with(chunk(six) + chunk(one), {})), 6);
    EXPECT_EQ(orientation(png_with(chunk(six), chunk(three))), 6);
    EXPECT_EQ(orientation(png_with({}, chunk(six) + chunk(three))), 6);
    Data wrong_sum = chunk(three);
    wrong_sum.back() ^= 1;
    EXPECT_EQ(orientation(png_with(wrong_sum + chunk(six), {})), 6);

    const Data webp = make_image({.suffix = ".webp[lossless]"});
    const Data head = bytes_of("WEBP") + webp_chunk("VP8X", {0x0c, 0, 0, 0, 63, 0, 0, 47, 0, 0});
    const auto exif = [](const Data &data) { return webp_chunk("EXIF", data); };
    EXPECT_EQ(orientation(webp_chunk("RIFF", head + picture_of(webp) + exif(six) + exif(one))), 6);
    EXPECT_EQ(orientation(webp_chunk("RIFF", head + exif(six) + picture_of(webp) + exif(three))), 6);
}

TEST(Animation, TheFirstFrameComesOut)
{
    const Outcome out = run_guard(make_animation());
    ASSERT_EQ(out.code(), "ok");
    EXPECT_EQ(out.info.height, 32u);
    EXPECT_EQ(quarters(out), (std::array{RED, RED, RED, RED}));
}

TEST(Pieces, MakeNoDifference)
{
    for (const char *suffix : {".jpg", ".jpg[interlace]", ".png", ".webp"}) {
        const Data image = make_image({.suffix = suffix});
        const Outcome whole = run_guard(image);
        for (const std::size_t piece : {1, 7, 100})
            EXPECT_EQ(run_guard(image, {}, piece).pixels, whole.pixels) << suffix;
    }
}

TEST(Tail, WhatFollowsTheImageCountsButIsNotLookedAt)
{
    for (const char *suffix : {".jpg", ".png", ".webp"}) {
        const Data image = make_image({.suffix = suffix});
        const Outcome out = run_guard(image + Data(1000, 0xff), {}, 10);
        EXPECT_EQ(out.code(), "ok");
        EXPECT_EQ(out.info.bytes, image.size() + 1000);
    }
}

TEST(Tail, PaddingBeforeAJpegsEndIsHarmless)
{
    const Data image = make_image({});
    EXPECT_EQ(run_guard(truncated(image, image.size() - 2) + Data(16) + Data{0xff, 0xd9}).code(), "ok");
}

TEST(Size, EveryOddSizeComesOutExactly)
{
    Limits limits;
    limits.max_dimension = 33;
    for (const char *suffix : {".jpg", ".png", ".webp"}) {
        for (int width = 1; width < 300; width += 13) {
            for (int height = 1; height < 300; height += 41) {
                const Outcome out =
                    run_guard(make_image({.suffix = suffix, .width = width, .height = height}), limits);
                ASSERT_EQ(out.code(), "ok") << suffix << width << "x" << height << out.failure->debug;
                const Size size = bounded_size({unsigned(width), unsigned(height)}, 33);
                ASSERT_EQ((Size{out.info.width, out.info.height}), size);
            }
        }
    }
}

TEST(Size, BoundsTheLongestSideAndKeepsTheRatio)
{
    EXPECT_EQ(bounded_size({4000, 3000}, 2000), (Size{2000, 1500}));
    EXPECT_EQ(bounded_size({3000, 4000}, 2000), (Size{1500, 2000}));
    EXPECT_EQ(bounded_size({65535, 1}, 2000), (Size{2000, 1}));
    EXPECT_EQ(bounded_size({100, 50}, 2000), (Size{100, 50}));
    EXPECT_EQ(bounded_size({100'000, 50}, 0), (Size{100'000, 50}));
}

TEST(Stride, BytesBetweenRowsAreLeftAlone)
{
    const Data image = make_image({.suffix = ".png", .width = 5, .height = 4});
    Cancellation cancellation;
    ImageGuard guard({}, cancellation);
    ASSERT_FALSE(guard.feed(image));
    ASSERT_FALSE(guard.finish());
    Data pixels(20 * 4, 7);
    ASSERT_FALSE(guard.decode({pixels.data(), 5, 4, 20, 3}));
    EXPECT_EQ(pixels[12], 0); // last red byte of a green pixel
    EXPECT_EQ(pixels[15], 7);
    EXPECT_EQ(pixels[19], 7);
    EXPECT_EQ(pixels[20], 255);
}

} // namespace anime::test
