// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/animeganfilter/smooth_row.h"

#include "elements/animeganfilter/kernel_choice.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace anime
{

namespace
{

void smooth_bytes(const SmoothSources &from, std::uint8_t *painting, std::ptrdiff_t first, std::ptrdiff_t end,
                  int pixel, const SmoothWeights &weights)
{
    for (std::ptrdiff_t i = first; i < end; i += pixel) {
        int change = 0;
        for (int c = 0; c < 3; ++c)
            change = std::max(change, std::abs(from.photo[i + c] - from.last_photo[i + c]));
        if (change >= static_cast<int>(weights.size()))
            continue;
        const int w = weights[static_cast<std::size_t>(change)];
        for (int c = 0; c < 3; ++c) {
            const int last = from.last_painting[i + c];
            const int now = painting[i + c];
            const int half = now > last ? 127 : 128; // ties go to the last painting
            painting[i + c] = static_cast<std::uint8_t>((now * (256 - w) + last * w + half) >> 8);
        }
    }
}

void plain(const SmoothSources &from, std::uint8_t *painting, int width, int pixel,
           const SmoothWeights &weights)
{
    smooth_bytes(from, painting, 0, std::ptrdiff_t{width} * pixel, pixel, weights);
}

#if defined(__x86_64__)

[[gnu::target("ssse3"), gnu::always_inline]] inline __m128i load(const std::uint8_t *p)
{
    return _mm_loadu_si128(reinterpret_cast<const __m128i *>(p));
}

/// Eight bytes: (new · (256 − weight) + last · weight + a half) / 256, which fits into 16 bits.
[[gnu::target("ssse3"), gnu::always_inline]] inline __m128i mix(__m128i now, __m128i last, __m128i weight)
{
    const __m128i rest = _mm_sub_epi16(_mm_set1_epi16(256), weight);
    const __m128i sum = _mm_add_epi16(_mm_mullo_epi16(now, rest), _mm_mullo_epi16(last, weight));
    const __m128i half = _mm_add_epi16(_mm_set1_epi16(128), _mm_cmpgt_epi16(now, last)); // 127 or 128
    return _mm_srli_epi16(_mm_add_epi16(sum, half), 8);
}

/// Five pixels of three bytes a vector, or four of four; what is left goes byte by byte.
[[gnu::target("ssse3")]] void ssse3(const SmoothSources &from, std::uint8_t *painting, int width, int pixel,
                                    const SmoothWeights &weights)
{
    // For each byte, the other two channels of its pixel.
    const bool packed = pixel == 3;
    const __m128i next = packed ? _mm_setr_epi8(1, 2, 0, 4, 5, 3, 7, 8, 6, 10, 11, 9, 13, 14, 12, -1)
                                : _mm_setr_epi8(1, 2, 0, -1, 5, 6, 4, -1, 9, 10, 8, -1, 13, 14, 12, -1);
    const __m128i after = packed ? _mm_setr_epi8(2, 0, 1, 5, 3, 4, 8, 6, 7, 11, 9, 10, 14, 12, 13, -1)
                                 : _mm_setr_epi8(2, 0, 1, -1, 6, 4, 5, -1, 10, 8, 9, -1, 14, 12, 13, -1);
    // The sixteenth byte of a step of fifteen belongs to the next step.
    const __m128i ours = packed ? _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0)
                                : _mm_set1_epi8(-1);
    const __m128i table = load(weights.data());
    const __m128i zero = _mm_setzero_si128();
    const int step = packed ? 15 : 16;
    const std::ptrdiff_t bytes = std::ptrdiff_t{width} * pixel;
    std::ptrdiff_t i = 0;
    for (; i + 16 <= bytes; i += step) {
        const __m128i photo = load(from.photo + i);
        const __m128i last_photo = load(from.last_photo + i);
        const __m128i one = _mm_or_si128(_mm_subs_epu8(photo, last_photo), _mm_subs_epu8(last_photo, photo));
        const __m128i change =
            _mm_max_epu8(one, _mm_max_epu8(_mm_shuffle_epi8(one, next), _mm_shuffle_epi8(one, after)));
        // From 16 on, the index has its highest bit set, which makes the weight 0.
        const __m128i weight =
            _mm_and_si128(ours, _mm_shuffle_epi8(table, _mm_adds_epu8(change, _mm_set1_epi8(0x70))));
        const __m128i now = load(painting + i);
        const __m128i last = load(from.last_painting + i);
        const __m128i low =
            mix(_mm_unpacklo_epi8(now, zero), _mm_unpacklo_epi8(last, zero), _mm_unpacklo_epi8(weight, zero));
        const __m128i high =
            mix(_mm_unpackhi_epi8(now, zero), _mm_unpackhi_epi8(last, zero), _mm_unpackhi_epi8(weight, zero));
        _mm_storeu_si128(reinterpret_cast<__m128i *>(painting + i), _mm_packus_epi16(low, high));
    }
    smooth_bytes(from, painting, i, bytes, pixel, weights);
}

#else

constexpr SmoothRow ssse3 = nullptr; // never chosen

#endif

} // namespace

std::span<const SmoothRow> smooth_rows()
{
    static const auto rows =
        kernels_for_this_cpu<SmoothRow>({{Needs::ssse3, ssse3}, {Needs::nothing, plain}});
    return rows;
}

} // namespace anime
