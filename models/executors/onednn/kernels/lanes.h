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

    /// Four bytes a lane.
    struct Quads {
        std::int16_t bytes[4];
    };
    static Quads same(const std::uint8_t *quad) { return {{quad[0], quad[1], quad[2], quad[3]}}; }
    static Quads load(const std::int8_t *from) { return {{from[0], from[1], from[2], from[3]}}; }
    /// Bytes without a sign times bytes with one, neighbours added. They have to fit 16 bits.
    static Pairs products(Quads a, Quads b)
    {
        return {static_cast<std::int16_t>(a.bytes[0] * b.bytes[0] + a.bytes[1] * b.bytes[1]),
                static_cast<std::int16_t>(a.bytes[2] * b.bytes[2] + a.bytes[3] * b.bytes[3])};
    }
    static Pairs add(Pairs a, Pairs b)
    {
        return {static_cast<std::int16_t>(a.low + b.low), static_cast<std::int16_t>(a.high + b.high)};
    }
    static Sums add_pair(Sums sum, Pairs v) { return sum + v.low + v.high; }
    static double total(Floats v) { return v; }

    static void store(Floats v, float *to) { *to = v; }
    /// Rounded to the nearest bf16, and from the middle between two away from zero, which is the quickest.
    static void store(Floats v, std::uint16_t *to)
    {
        *to = static_cast<std::uint16_t>((__builtin_bit_cast(std::uint32_t, v) + 0x8000) >> 16);
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

    using Quads = __m512i;
    static Quads same(const std::uint8_t *quad)
    {
        std::int32_t all;
        __builtin_memcpy(&all, quad, sizeof all);
        return _mm512_set1_epi32(all);
    }
    static Quads load(const std::int8_t *from) { return _mm512_loadu_si512(from); }
    static Pairs products(Quads a, Quads b) { return _mm512_maddubs_epi16(a, b); }
    static Pairs add(Pairs a, Pairs b) { return _mm512_add_epi16(a, b); }
    static Sums add_pair(Sums sum, Pairs v) { return add_products(sum, v, _mm512_set1_epi16(1)); }
    static double total(Floats v) { return _mm512_reduce_add_ps(v); }

    static void store(Floats v, float *to) { _mm512_storeu_ps(to, v); }
    static void store(Floats v, std::uint16_t *to)
    {
        const __m512i sum = _mm512_add_epi32(_mm512_castps_si512(v), _mm512_set1_epi32(0x8000));
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

    using Quads = __m256i;
    static Quads same(const std::uint8_t *quad)
    {
        std::int32_t all;
        __builtin_memcpy(&all, quad, sizeof all);
        return _mm256_set1_epi32(all);
    }
    static Quads load(const std::int8_t *from)
    {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(from));
    }
    static Pairs products(Quads a, Quads b) { return _mm256_maddubs_epi16(a, b); }
    static Pairs add(Pairs a, Pairs b) { return _mm256_add_epi16(a, b); }
    static Sums add_pair(Sums sum, Pairs v) { return add_products(sum, v, _mm256_set1_epi16(1)); }
    static double total(Floats v)
    {
        const __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
        const __m128 two = _mm_add_ps(half, _mm_movehl_ps(half, half));
        return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
    }

    static void store(Floats v, float *to) { _mm256_storeu_ps(to, v); }
    static void store(Floats v, std::uint16_t *to)
    {
        const __m256i sum = _mm256_add_epi32(_mm256_castps_si256(v), _mm256_set1_epi32(0x8000));
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

/// The first `there` of the lanes.
template <typename Set, typename T>
inline void store_some(typename Set::Floats v, T *to, std::size_t there)
{
    if (there >= Set::lanes) {
        Set::store(v, to);
        return;
    }
    T values[Set::lanes];
    Set::store(v, values);
    for (std::size_t i = 0; i < there; ++i)
        to[i] = values[i];
}

/// Sum and sum of squares of what passes by.
template <typename Set = Register>
struct RunningSums {
    typename Set::Floats sum = Set::same(0.0F);
    typename Set::Floats squares = Set::same(0.0F);

    void add(typename Set::Floats v)
    {
        sum = sum + v;
        squares = squares + v * v;
    }
    void add_to(double *sums) const
    {
        sums[0] += Set::total(sum);
        sums[1] += Set::total(squares);
    }
};

} // namespace

} // namespace anime::onednn
