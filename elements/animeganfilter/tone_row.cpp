// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/animeganfilter/tone_row.h"

#include "elements/animeganfilter/kernel_choice.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace anime
{

namespace
{

void plain(std::uint8_t *row, int width, int pixel, const ToneGains &gains)
{
    for (std::uint8_t *p = row; p != row + std::ptrdiff_t{pixel} * width; p += pixel) {
        const int gain = gains[luma_of(p[0], p[1], p[2])][0];
        for (int c = 0; c < 3; ++c)
            p[c] = static_cast<std::uint8_t>(std::min(255, (p[c] * gain + gain_one / 2) >> gain_bits));
    }
}

#if defined(__x86_64__)

/// Pixels at a time, so that what lies between the steps stays in the first cache.
constexpr int block = 256;
/// Pixels a step: three or four vectors of 16 bytes.
constexpr int step = 16;

/// Four pixels as R G B 0, times their parts in luma: two sums of 16 bits each.
template <int Pixel>
[[gnu::target("ssse3"), gnu::always_inline]] inline __m128i luma_sums(const std::uint8_t *p)
{
    __m128i pixels = _mm_loadu_si128(reinterpret_cast<const __m128i *>(p));
    if constexpr (Pixel == 3)
        pixels =
            _mm_shuffle_epi8(pixels, _mm_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1));
    constexpr int parts = red_part | green_part << 8 | blue_part << 16;
    return _mm_maddubs_epi16(pixels, _mm_set1_epi32(parts));
}

template <int Pixel>
[[gnu::target("ssse3"), gnu::always_inline]] inline __m128i luma_of_eight(const std::uint8_t *p)
{
    const __m128i sums = _mm_hadd_epi16(luma_sums<Pixel>(p), luma_sums<Pixel>(p + 4 * Pixel));
    return _mm_srli_epi16(_mm_add_epi16(sums, _mm_set1_epi16(64)), 7);
}

/// Eight bytes, each times its gain: a multiplication that rounds, byte · 2³ · gain · 2¹² / 2¹⁵.
[[gnu::target("ssse3"), gnu::always_inline]] inline __m128i multiply(__m128i bytes, const std::int16_t *gain)
{
    return _mm_mulhrs_epi16(_mm_slli_epi16(bytes, 15 - gain_bits),
                            _mm_loadu_si128(reinterpret_cast<const __m128i *>(gain)));
}

/// `count` is a multiple of `step`, and behind the pixels there are 4 bytes that can be read.
template <int Pixel>
[[gnu::target("ssse3"), gnu::always_inline]] inline void multiply_block(std::uint8_t *p, int count,
                                                                        const ToneGains &gains)
{
    alignas(16) std::uint8_t luma[block];
    // A store writes four, of which the next one overwrites the last where pixels have three bytes.
    alignas(16) std::int16_t gain[block * Pixel + 4 - Pixel];
    for (int i = 0; i < count; i += step)
        _mm_store_si128(reinterpret_cast<__m128i *>(luma + i),
                        _mm_packus_epi16(luma_of_eight<Pixel>(p + Pixel * i),
                                         luma_of_eight<Pixel>(p + Pixel * (i + step / 2))));
    for (int i = 0; i < count; ++i)
        std::memcpy(gain + Pixel * i, &gains[luma[i]], sizeof gains[0]);
    for (int i = 0; i < Pixel * count; i += 16) {
        auto *place = reinterpret_cast<__m128i *>(p + i);
        const __m128i bytes = _mm_loadu_si128(place);
        const __m128i low = multiply(_mm_unpacklo_epi8(bytes, _mm_setzero_si128()), gain + i);
        const __m128i high = multiply(_mm_unpackhi_epi8(bytes, _mm_setzero_si128()), gain + i + 8);
        _mm_storeu_si128(place, _mm_packus_epi16(low, high));
    }
}

template <int Pixel>
[[gnu::target("ssse3")]] void multiply_row(std::uint8_t *row, int width, const ToneGains &gains)
{
    // The last vector of three-byte pixels reads four bytes behind itself, which the rest has to have.
    const int whole = (width - 2) / step * step;
    int x = 0;
    for (; x < whole; x += std::min(block, whole - x))
        multiply_block<Pixel>(row + std::ptrdiff_t{Pixel} * x, std::min(block, whole - x), gains);
    plain(row + std::ptrdiff_t{Pixel} * x, width - x, Pixel, gains);
}

void ssse3(std::uint8_t *row, int width, int pixel, const ToneGains &gains)
{
    if (pixel == 4)
        multiply_row<4>(row, width, gains);
    else
        multiply_row<3>(row, width, gains);
}

#else

constexpr ToneRow ssse3 = nullptr; // never chosen

#endif

} // namespace

std::span<const ToneRow> tone_rows()
{
    static const auto rows = kernels_for_this_cpu<ToneRow>({{Needs::ssse3, ssse3}, {Needs::nothing, plain}});
    return rows;
}

} // namespace anime
