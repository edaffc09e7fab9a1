// SPDX-License-Identifier: LGPL-2.1-or-later
// As many floats as a register holds, loaded from and stored to the narrow types: the vocabulary of all
// kernels that say themselves what a register does. Loops over one type are left to the compiler, which in
// those that mix types makes vectors as long as the narrowest type allows and shuffles more than it computes.
#pragma once

#include <cstddef>
#include <cstdint>

#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace anime::onednn
{

namespace // what each instruction set compiles is its own
{

/// One value at a time: what is left behind the last whole register, and CPUs without AVX2, for which the
/// compiler vectorises.
struct Scalar {
    static constexpr std::size_t lanes = 1;
    using Floats = float;

    static Floats same(float v) { return v; }
    static Floats load(const float *from) { return *from; }
    static Floats load(const std::uint16_t *from)
    {
        return __builtin_bit_cast(float, static_cast<std::uint32_t>(*from) << 16);
    }
    static Floats load(const std::uint8_t *from) { return static_cast<float>(*from); }
    static Floats max(Floats a, Floats b) { return a > b ? a : b; }

    /// A pair of 16-bit numbers a lane.
    struct Pairs {
        std::int16_t low;
        std::int16_t high;
    };
    using Sums = std::int32_t;
    static Pairs same(const std::int16_t *pair) { return {pair[0], pair[1]}; }
    static Pairs load(const std::int16_t *from) { return {from[0], from[1]}; }
    static Sums load(const std::int32_t *from) { return *from; }
    /// sum + a.low · b.low + a.high · b.high
    static Sums add_products(Sums sum, Pairs a, Pairs b) { return sum + a.low * b.low + a.high * b.high; }
    static Floats floats(Sums v) { return static_cast<float>(v); }
    static void store(Sums v, std::int32_t *to) { *to = v; }

    static void store(Floats v, float *to) { *to = v; }
    static void store(Floats v, std::uint16_t *to)
    {
        const auto bits = __builtin_bit_cast(std::uint32_t, v);
        *to = static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
    }
    /// Rounded and saturated.
    static void store(Floats v, std::uint8_t *to)
    {
        v = v > 0.0F ? v : 0.0F;
        v = v < 255.0F ? v : 255.0F;
        *to = static_cast<std::uint8_t>(static_cast<int>(v + 0.5F));
    }
};

#if defined(__AVX512BW__)

struct Register {
    static constexpr std::size_t lanes = 16;
    using Floats = __m512;

    static Floats same(float v) { return _mm512_set1_ps(v); }
    static Floats load(const float *from) { return _mm512_loadu_ps(from); }
    static Floats load(const std::uint16_t *from)
    {
        const __m256i words = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(from));
        return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(words), 16));
    }
    static Floats load(const std::uint8_t *from)
    {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i *>(from));
        return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
    }
    static Floats max(Floats a, Floats b) { return _mm512_max_ps(a, b); }

    using Pairs = __m512i;
    using Sums = __m512i;
    static Pairs same(const std::int16_t *pair)
    {
        std::int32_t both;
        __builtin_memcpy(&both, pair, sizeof both);
        return _mm512_set1_epi32(both);
    }
    static Pairs load(const std::int16_t *from) { return _mm512_loadu_si512(from); }
    static Sums load(const std::int32_t *from) { return _mm512_loadu_si512(from); }
    static Sums add_products(Sums sum, Pairs a, Pairs b)
    {
        return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b));
    }
    static Floats floats(Sums v) { return _mm512_cvtepi32_ps(v); }
    static void store(Sums v, std::int32_t *to) { _mm512_storeu_si512(to, v); }

    static void store(Floats v, float *to) { _mm512_storeu_ps(to, v); }
    static void store(Floats v, std::uint16_t *to)
    {
        const __m512i bits = _mm512_castps_si512(v);
        const __m512i even = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
        const __m512i sum = _mm512_add_epi32(_mm512_add_epi32(bits, even), _mm512_set1_epi32(0x7fff));
        _mm256_storeu_si256(reinterpret_cast<__m256i *>(to),
                            _mm512_cvtepi32_epi16(_mm512_srli_epi32(sum, 16)));
    }
    static void store(Floats v, std::uint8_t *to)
    {
        const __m512i whole = _mm512_cvtps_epi32(_mm512_max_ps(v, _mm512_setzero_ps()));
        _mm_storeu_si128(reinterpret_cast<__m128i *>(to), _mm512_cvtusepi32_epi8(whole));
    }
};

#elif defined(__AVX2__)

struct Register {
    static constexpr std::size_t lanes = 8;
    using Floats = __m256;

    static Floats same(float v) { return _mm256_set1_ps(v); }
    static Floats load(const float *from) { return _mm256_loadu_ps(from); }
    static Floats load(const std::uint16_t *from)
    {
        const __m128i words = _mm_loadu_si128(reinterpret_cast<const __m128i *>(from));
        return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(words), 16));
    }
    static Floats load(const std::uint8_t *from)
    {
        const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i *>(from));
        return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
    }
    static Floats max(Floats a, Floats b) { return _mm256_max_ps(a, b); }

    using Pairs = __m256i;
    using Sums = __m256i;
    static Pairs same(const std::int16_t *pair)
    {
        std::int32_t both;
        __builtin_memcpy(&both, pair, sizeof both);
        return _mm256_set1_epi32(both);
    }
    static Pairs load(const std::int16_t *from)
    {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(from));
    }
    static Sums load(const std::int32_t *from)
    {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(from));
    }
    static Sums add_products(Sums sum, Pairs a, Pairs b)
    {
        return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
    }
    static Floats floats(Sums v) { return _mm256_cvtepi32_ps(v); }
    static void store(Sums v, std::int32_t *to) { _mm256_storeu_si256(reinterpret_cast<__m256i *>(to), v); }

    static void store(Floats v, float *to) { _mm256_storeu_ps(to, v); }
    static void store(Floats v, std::uint16_t *to)
    {
        const __m256i bits = _mm256_castps_si256(v);
        const __m256i even = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
        const __m256i sum = _mm256_add_epi32(_mm256_add_epi32(bits, even), _mm256_set1_epi32(0x7fff));
        _mm_storeu_si128(reinterpret_cast<__m128i *>(to), words(_mm256_srli_epi32(sum, 16)));
    }
    static void store(Floats v, std::uint8_t *to)
    {
        const Floats bounded = _mm256_min_ps(_mm256_max_ps(v, _mm256_setzero_ps()), same(255.0F));
        const __m128i wide = words(_mm256_cvtps_epi32(bounded));
        _mm_storel_epi64(reinterpret_cast<__m128i *>(to), _mm_packus_epi16(wide, wide));
    }

private:
    /// The low halves.
    static __m128i words(__m256i v)
    {
        return _mm_packus_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    }
};

#else

using Register = Scalar;

#endif

} // namespace

} // namespace anime::onednn
