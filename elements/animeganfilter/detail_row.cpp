// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/animeganfilter/detail_row.h"

#include "elements/animeganfilter/kernel_choice.h"
#include "elements/animeganfilter/tone_row.h"

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

void pixels_from(int first, const DetailSources &from, std::uint8_t *out, int width, int photo_pixel,
                 int out_pixel)
{
    for (int x = first; x < width; ++x) {
        const std::uint8_t *photo = from.photo + std::ptrdiff_t{photo_pixel} * x;
        const std::uint8_t *painting = from.painting + std::ptrdiff_t{4} * x;
        const int detail = luma_of(photo[0], photo[1], photo[2]) - painting[3];
        const int more = (detail * from.gain[x] + 64) >> 7;
        for (int c = 0; c < 3; ++c)
            out[std::ptrdiff_t{out_pixel} * x + c] =
                static_cast<std::uint8_t>(std::clamp(painting[c] + more, 0, 255));
    }
}

void plain(const DetailSources &from, std::uint8_t *out, int width, int photo_pixel, int out_pixel)
{
    pixels_from(0, from, out, width, photo_pixel, out_pixel);
}

#if defined(__x86_64__)

[[gnu::target("ssse3"), gnu::always_inline]] inline __m128i load(const std::uint8_t *p)
{
    return _mm_loadu_si128(reinterpret_cast<const __m128i *>(p));
}

/// Four pixels a step. Vectors of three-byte pixels are read and written four bytes beyond them, which the
/// next step, or the plain loop at the end, puts right.
[[gnu::target("ssse3")]] void ssse3(const DetailSources &from, std::uint8_t *out, int width, int photo_pixel,
                                    int out_pixel)
{
    const __m128i as_they_are = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m128i apart = _mm_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1);
    const __m128i together = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
    const __m128i spread = photo_pixel == 4 ? as_they_are : apart;
    const __m128i gather = out_pixel == 4 ? as_they_are : together;
    const __m128i parts = _mm_set1_epi32(red_part | green_part << 8 | blue_part << 16);
    const __m128i ones = _mm_set1_epi16(1);
    // The low half of each 32 bits, four times.
    const __m128i first_two = _mm_setr_epi8(0, 1, 0, 1, 0, 1, 0, 1, 4, 5, 4, 5, 4, 5, 4, 5);
    const __m128i last_two = _mm_setr_epi8(8, 9, 8, 9, 8, 9, 8, 9, 12, 13, 12, 13, 12, 13, 12, 13);
    const __m128i zero = _mm_setzero_si128();
    int x = 0;
    for (; x + 6 <= width; x += 4) {
        const __m128i photo = _mm_shuffle_epi8(load(from.photo + std::ptrdiff_t{photo_pixel} * x), spread);
        const __m128i sums = _mm_madd_epi16(_mm_maddubs_epi16(photo, parts), ones);
        const __m128i luma = _mm_srli_epi32(_mm_add_epi32(sums, _mm_set1_epi32(64)), 7);
        const __m128i painting = load(from.painting + std::ptrdiff_t{4} * x);
        const __m128i detail = _mm_sub_epi32(luma, _mm_srli_epi32(painting, 24));
        std::int32_t four;
        std::memcpy(&four, from.gain + x, sizeof four);
        const __m128i gain = _mm_unpacklo_epi16(_mm_unpacklo_epi8(_mm_cvtsi32_si128(four), zero), zero);
        // 16-bit products of the low halves; the high ones are 0 for the gain.
        const __m128i more =
            _mm_srai_epi32(_mm_add_epi32(_mm_madd_epi16(detail, gain), _mm_set1_epi32(64)), 7);
        const __m128i low =
            _mm_add_epi16(_mm_unpacklo_epi8(painting, zero), _mm_shuffle_epi8(more, first_two));
        const __m128i high =
            _mm_add_epi16(_mm_unpackhi_epi8(painting, zero), _mm_shuffle_epi8(more, last_two));
        _mm_storeu_si128(reinterpret_cast<__m128i *>(out + std::ptrdiff_t{out_pixel} * x),
                         _mm_shuffle_epi8(_mm_packus_epi16(low, high), gather));
    }
    pixels_from(x, from, out, width, photo_pixel, out_pixel);
}

#else

constexpr DetailRow ssse3 = nullptr; // never chosen

#endif

} // namespace

std::span<const DetailRow> detail_rows()
{
    static const auto rows =
        kernels_for_this_cpu<DetailRow>({{Needs::ssse3, ssse3}, {Needs::nothing, plain}});
    return rows;
}

} // namespace anime
