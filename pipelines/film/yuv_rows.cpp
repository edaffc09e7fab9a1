// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/film/yuv_rows.h"

#include <algorithm>
#include <cmath>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace anime
{

namespace
{

// Fixed point, in 16 bits. To RGB: luma and chroma as sixty-fourths, factors as fractions of 2^13, of the
// product 15 bits are dropped, which leaves sixteenths of a level. From RGB: channels as 128ths, factors as
// fractions of 2^15, which leaves 128ths. A product is rounded; three of them are off by a tenth of a level
// together, at most.

/// As pmulhrsw does it.
int times(int a, int b)
{
    return (a * b + (1 << 14)) >> 15;
}

std::uint8_t to_byte(int value)
{
    return static_cast<std::uint8_t>(std::clamp(value, 0, 255));
}

std::int16_t fixed(double factor, int one)
{
    return static_cast<std::int16_t>(std::lround(factor * one));
}

/// Pixels from `begin`, which is even, to the end.
void to_rgb_from(int begin, const YuvRow &from, const YuvMatrix &matrix, std::uint8_t *rgb, int width)
{
    const auto chroma = [&](const std::int16_t *mixed, int x) {
        const int at = x / 2;
        const int here = mixed[at];
        const int there = mixed[x & 1 ? at + 1 : at - 1];
        const int sum = !from.cosited ? 3 * here + there : x & 1 ? 2 * (here + there) : 4 * here;
        return (sum - 16 * 128) * 4;
    };
    for (int x = begin; x < width; ++x) {
        const int y = times((from.y[x] - matrix.black) * 64, matrix.luma);
        const int u = chroma(from.u, x);
        const int v = chroma(from.v, x);
        rgb[3 * x] = to_byte((y + times(v, matrix.red) + 8) >> 4);
        rgb[3 * x + 1] = to_byte((y - times(u, matrix.green_u) - times(v, matrix.green_v) + 8) >> 4);
        rgb[3 * x + 2] = to_byte((y + times(u, matrix.blue) + 8) >> 4);
    }
}

void write_luma_from(int begin, const std::uint8_t *rgb, const YuvMatrix &matrix, std::uint8_t *y,
                     const RgbSums &sums, bool first, int width)
{
    for (int x = begin; x < width; ++x) {
        const std::uint8_t *pixel = rgb + 3 * x;
        int sum = matrix.black * 128 + 64;
        for (int c = 0; c < 3; ++c) {
            sum += times(pixel[c] * 128, matrix.to_y[c]);
            std::int16_t &both = sums.channel[c][x];
            both = static_cast<std::int16_t>((first ? 0 : both) + pixel[c]);
        }
        y[x] = to_byte(sum >> 7);
    }
    for (std::int16_t *channel : sums.channel) {
        channel[-1] = channel[0];
        channel[width] = channel[width - 1];
    }
}

void write_chroma_from(int begin, const RgbSums &sums, bool cosited, const YuvMatrix &matrix, std::uint8_t *u,
                       std::uint8_t *v, int width)
{
    for (int x = begin; x < width; x += 2) {
        int u_sum = 128 * 128 + 64;
        int v_sum = 128 * 128 + 64;
        for (int c = 0; c < 3; ++c) {
            const std::int16_t *at = sums.channel[c] + x;
            const int eight = cosited ? at[-1] + 2 * at[0] + at[1] : 2 * (at[0] + at[1]);
            u_sum += times(eight * 16, matrix.to_u[c]);
            v_sum += times(eight * 16, matrix.to_v[c]);
        }
        u[x / 2] = to_byte(u_sum >> 7);
        v[x / 2] = to_byte(v_sum >> 7);
    }
}

constexpr YuvLoops plain = {
    [](const YuvRow &from, const YuvMatrix &matrix, std::uint8_t *rgb, int width) {
        to_rgb_from(0, from, matrix, rgb, width);
    },
    [](const std::uint8_t *rgb, const YuvMatrix &matrix, std::uint8_t *y, const RgbSums &sums, bool first,
       int width) { write_luma_from(0, rgb, matrix, y, sums, first, width); },
    [](const RgbSums &sums, bool cosited, const YuvMatrix &matrix, std::uint8_t *u, std::uint8_t *v,
       int width) { write_chroma_from(0, sums, cosited, matrix, u, v, width); },
};

#if defined(__x86_64__)

#define ANIME_SSSE3 [[gnu::target("ssse3")]]
#define ANIME_SSSE3_INLINE [[gnu::target("ssse3"), gnu::always_inline]] inline

ANIME_SSSE3_INLINE __m128i load(const void *p)
{
    return _mm_loadu_si128(static_cast<const __m128i *>(p));
}

ANIME_SSSE3_INLINE void store(void *p, __m128i value)
{
    _mm_storeu_si128(static_cast<__m128i *>(p), value);
}

/// Chroma of 16 pixels, in two vectors of eight, as sixty-fourths above and below grey.
struct Sixteen {
    __m128i low;
    __m128i high;
};

ANIME_SSSE3_INLINE Sixteen chroma_of_16(const std::int16_t *mixed, bool cosited)
{
    const __m128i here = load(mixed);
    const __m128i after = load(mixed + 1);
    const __m128i twice = _mm_slli_epi16(here, 1);
    __m128i even;
    __m128i odd;
    if (cosited) {
        even = _mm_slli_epi16(here, 2);
        odd = _mm_add_epi16(twice, _mm_slli_epi16(after, 1));
    } else {
        const __m128i thrice = _mm_add_epi16(twice, here);
        even = _mm_add_epi16(thrice, load(mixed - 1));
        odd = _mm_add_epi16(thrice, after);
    }
    const __m128i grey = _mm_set1_epi16(16 * 128);
    even = _mm_slli_epi16(_mm_sub_epi16(even, grey), 2);
    odd = _mm_slli_epi16(_mm_sub_epi16(odd, grey), 2);
    return {_mm_unpacklo_epi16(even, odd), _mm_unpackhi_epi16(even, odd)};
}

/// Sixteenths of a level to bytes.
ANIME_SSSE3_INLINE __m128i levels(__m128i low, __m128i high)
{
    const __m128i half = _mm_set1_epi16(8);
    return _mm_packus_epi16(_mm_srai_epi16(_mm_add_epi16(low, half), 4),
                            _mm_srai_epi16(_mm_add_epi16(high, half), 4));
}

/// Byte i of a channel goes to byte 3 · i + c; -1: none of this channel comes to that place.
struct Shuffles {
    __m128i mask[3][3]; ///< [vector of the packed pixels][channel]
};

ANIME_SSSE3_INLINE Shuffles packing()
{
    Shuffles shuffles;
    for (int part = 0; part < 3; ++part) {
        for (int c = 0; c < 3; ++c) {
            alignas(16) std::int8_t bytes[16];
            for (int i = 0; i < 16; ++i)
                bytes[i] = static_cast<std::int8_t>((16 * part + i) % 3 == c ? (16 * part + i) / 3 : -1);
            shuffles.mask[part][c] = load(bytes);
        }
    }
    return shuffles;
}

ANIME_SSSE3_INLINE Shuffles unpacking()
{
    Shuffles shuffles;
    for (int part = 0; part < 3; ++part) {
        for (int c = 0; c < 3; ++c) {
            alignas(16) std::int8_t bytes[16];
            for (int i = 0; i < 16; ++i) {
                const int from = 3 * i + c - 16 * part;
                bytes[i] = static_cast<std::int8_t>(from >= 0 && from < 16 ? from : -1);
            }
            shuffles.mask[part][c] = load(bytes);
        }
    }
    return shuffles;
}

ANIME_SSSE3_INLINE __m128i gather(const __m128i (&from)[3], __m128i a, __m128i b, __m128i c)
{
    return _mm_or_si128(_mm_or_si128(_mm_shuffle_epi8(from[0], a), _mm_shuffle_epi8(from[1], b)),
                        _mm_shuffle_epi8(from[2], c));
}

ANIME_SSSE3 void to_rgb_ssse3(const YuvRow &from, const YuvMatrix &matrix, std::uint8_t *rgb, int width)
{
    const Shuffles shuffles = packing();
    const __m128i black = _mm_set1_epi16(static_cast<std::int16_t>(matrix.black));
    const __m128i luma = _mm_set1_epi16(matrix.luma);
    const __m128i red = _mm_set1_epi16(matrix.red);
    const __m128i green_u = _mm_set1_epi16(matrix.green_u);
    const __m128i green_v = _mm_set1_epi16(matrix.green_v);
    const __m128i blue = _mm_set1_epi16(matrix.blue);
    const __m128i zero = _mm_setzero_si128();
    int x = 0;
    for (; x + 16 <= width; x += 16) {
        const __m128i bytes = load(from.y + x);
        const auto scaled = [&](__m128i y) __attribute__((target("ssse3"), always_inline))
        {
            return _mm_mulhrs_epi16(_mm_slli_epi16(_mm_sub_epi16(y, black), 6), luma);
        };
        const __m128i y0 = scaled(_mm_unpacklo_epi8(bytes, zero));
        const __m128i y1 = scaled(_mm_unpackhi_epi8(bytes, zero));
        const Sixteen u = chroma_of_16(from.u + x / 2, from.cosited);
        const Sixteen v = chroma_of_16(from.v + x / 2, from.cosited);
        const auto green = [&](__m128i y, __m128i u8, __m128i v8)
            __attribute__((target("ssse3"), always_inline))
        {
            return _mm_sub_epi16(_mm_sub_epi16(y, _mm_mulhrs_epi16(u8, green_u)),
                                 _mm_mulhrs_epi16(v8, green_v));
        };
        const __m128i channels[3] = {
            levels(_mm_add_epi16(y0, _mm_mulhrs_epi16(v.low, red)),
                   _mm_add_epi16(y1, _mm_mulhrs_epi16(v.high, red))),
            levels(green(y0, u.low, v.low), green(y1, u.high, v.high)),
            levels(_mm_add_epi16(y0, _mm_mulhrs_epi16(u.low, blue)),
                   _mm_add_epi16(y1, _mm_mulhrs_epi16(u.high, blue))),
        };
        for (int part = 0; part < 3; ++part)
            store(rgb + 3 * x + 16 * part,
                  gather(channels, shuffles.mask[part][0], shuffles.mask[part][1], shuffles.mask[part][2]));
    }
    to_rgb_from(x, from, matrix, rgb, width);
}

ANIME_SSSE3 void write_luma_ssse3(const std::uint8_t *rgb, const YuvMatrix &matrix, std::uint8_t *y,
                                  const RgbSums &sums, bool first, int width)
{
    const Shuffles shuffles = unpacking();
    const __m128i zero = _mm_setzero_si128();
    const __m128i base = _mm_set1_epi16(static_cast<std::int16_t>(matrix.black * 128 + 64));
    int x = 0;
    for (; x + 16 <= width; x += 16) {
        const __m128i packed[3] = {load(rgb + 3 * x), load(rgb + 3 * x + 16), load(rgb + 3 * x + 32)};
        __m128i low = base;
        __m128i high = base;
        for (int c = 0; c < 3; ++c) {
            const __m128i bytes =
                gather(packed, shuffles.mask[0][c], shuffles.mask[1][c], shuffles.mask[2][c]);
            __m128i *to = reinterpret_cast<__m128i *>(sums.channel[c] + x);
            const __m128i channel_low = _mm_unpacklo_epi8(bytes, zero);
            const __m128i channel_high = _mm_unpackhi_epi8(bytes, zero);
            store(to, first ? channel_low : _mm_add_epi16(load(to), channel_low));
            store(to + 1, first ? channel_high : _mm_add_epi16(load(to + 1), channel_high));
            const __m128i factor = _mm_set1_epi16(matrix.to_y[c]);
            low = _mm_add_epi16(low, _mm_mulhrs_epi16(_mm_slli_epi16(channel_low, 7), factor));
            high = _mm_add_epi16(high, _mm_mulhrs_epi16(_mm_slli_epi16(channel_high, 7), factor));
        }
        store(y + x, _mm_packus_epi16(_mm_srai_epi16(low, 7), _mm_srai_epi16(high, 7)));
    }
    write_luma_from(x, rgb, matrix, y, sums, first, width);
}

/// Eight times the mean of a channel around each of eight chroma samples.
ANIME_SSSE3_INLINE __m128i means_of_8(const std::int16_t *at, bool cosited)
{
    const __m128i pair = cosited ? _mm_set1_epi32(2 | 1 << 16) : _mm_set1_epi32(2 | 2 << 16);
    __m128i low = _mm_madd_epi16(load(at), pair);
    __m128i high = _mm_madd_epi16(load(at + 8), pair);
    if (cosited) {
        const __m128i before = _mm_set1_epi32(1);
        low = _mm_add_epi32(low, _mm_madd_epi16(load(at - 1), before));
        high = _mm_add_epi32(high, _mm_madd_epi16(load(at + 7), before));
    }
    return _mm_packs_epi32(low, high);
}

ANIME_SSSE3 void write_chroma_ssse3(const RgbSums &sums, bool cosited, const YuvMatrix &matrix,
                                    std::uint8_t *u, std::uint8_t *v, int width)
{
    const __m128i base = _mm_set1_epi16(128 * 128 + 64);
    int x = 0;
    for (; x + 16 <= width; x += 16) {
        __m128i u8 = _mm_setzero_si128();
        __m128i v8 = _mm_setzero_si128();
        for (int c = 0; c < 3; ++c) {
            const __m128i channel = _mm_slli_epi16(means_of_8(sums.channel[c] + x, cosited), 4);
            u8 = _mm_add_epi16(u8, _mm_mulhrs_epi16(channel, _mm_set1_epi16(matrix.to_u[c])));
            v8 = _mm_add_epi16(v8, _mm_mulhrs_epi16(channel, _mm_set1_epi16(matrix.to_v[c])));
        }
        const __m128i bytes = _mm_packus_epi16(_mm_srai_epi16(_mm_adds_epi16(u8, base), 7),
                                               _mm_srai_epi16(_mm_adds_epi16(v8, base), 7));
        _mm_storel_epi64(reinterpret_cast<__m128i *>(u + x / 2), bytes);
        _mm_storel_epi64(reinterpret_cast<__m128i *>(v + x / 2), _mm_srli_si128(bytes, 8));
    }
    write_chroma_from(x, sums, cosited, matrix, u, v, width);
}

constexpr YuvLoops ssse3 = {to_rgb_ssse3, write_luma_ssse3, write_chroma_ssse3};

#endif

} // namespace

YuvMatrix::YuvMatrix(GstVideoColorMatrix matrix, GstVideoColorRange range)
{
    double kr = 0;
    double kb = 0;
    if (!gst_video_color_matrix_get_Kr_Kb(matrix, &kr, &kb))
        gst_video_color_matrix_get_Kr_Kb(GST_VIDEO_COLOR_MATRIX_BT709, &kr, &kb);
    const bool full = range == GST_VIDEO_COLOR_RANGE_0_255;
    const double luma_steps = full ? 255 : 219;
    const double chroma_steps = full ? 255 : 224;
    const double kg = 1 - kr - kb;
    const double chroma = 2 * 255 / chroma_steps;
    constexpr int to_one = 1 << 13;
    black = full ? 0 : 16;
    luma = fixed(255 / luma_steps, to_one);
    red = fixed(chroma * (1 - kr), to_one);
    blue = fixed(chroma * (1 - kb), to_one);
    green_u = fixed(chroma * (1 - kb) * kb / kg, to_one);
    green_v = fixed(chroma * (1 - kr) * kr / kg, to_one);
    const double weights[3] = {kr, kg, kb};
    constexpr int from_one = 1 << 15;
    for (int c = 0; c < 3; ++c) {
        to_y[c] = fixed(weights[c] * luma_steps / 255, from_one);
        to_u[c] = fixed(((c == 2) - weights[c]) / (1 - kb) / 2 * chroma_steps / 255, from_one);
        to_v[c] = fixed(((c == 0) - weights[c]) / (1 - kr) / 2 * chroma_steps / 255, from_one);
    }
}

void mix_chroma(const std::uint8_t *c0, const std::uint8_t *c1, int w0, int w1, int width,
                std::int16_t *mixed)
{
    const auto a = static_cast<std::int16_t>(w0);
    const auto b = static_cast<std::int16_t>(w1);
    for (int x = 0; x < width; ++x)
        mixed[x] = static_cast<std::int16_t>(a * c0[x] + b * c1[x]);
    mixed[-1] = mixed[0];
    mixed[width] = mixed[width - 1];
}

std::span<const YuvLoops> yuv_loops()
{
    static const std::vector<YuvLoops> loops = [] {
        std::vector<YuvLoops> known;
#if defined(__x86_64__)
        if (__builtin_cpu_supports("ssse3"))
            known.push_back(ssse3);
#endif
        known.push_back(plain);
        return known;
    }();
    return loops;
}

} // namespace anime
