// SPDX-License-Identifier: LGPL-2.1-or-later
// What lets one source be a CUDA kernel's arithmetic and plain C++: the marker of such functions, half
// precision in memory, and values in groups of channels.
#pragma once

#include <cstdint>
#include <cstring>

#ifdef __CUDACC__
#include <cuda_fp16.h>
#define ANIME_BOTH __host__ __device__ __forceinline__
#else
#define ANIME_BOTH inline
#endif

namespace anime::cuda
{

/// IEEE half precision as it lies in memory.
struct Half {
    std::uint16_t bits;
};

ANIME_BOTH float to_float(float value)
{
    return value;
}

ANIME_BOTH float to_float(Half half)
{
#ifdef __CUDA_ARCH__
    __half_raw raw;
    raw.x = half.bits;
    return __half2float(__half(raw));
#else
    const std::uint32_t sign = std::uint32_t(half.bits & 0x8000U) << 16;
    const std::uint32_t exponent = half.bits >> 10 & 0x1FU;
    const std::uint32_t mantissa = half.bits & 0x3FFU;
    if (exponent == 0) { // zero and subnormal numbers: multiples of 2^-24
        const float small = static_cast<float>(mantissa) / 16777216.0F;
        return sign ? -small : small;
    }
    const std::uint32_t bits =
        sign | (exponent == 0x1FU ? 0x7F800000U : (exponent + 112) << 23) | mantissa << 13;
    float value = 0;
    std::memcpy(&value, &bits, sizeof value);
    return value;
#endif
}

ANIME_BOTH void from_float(float value, float &to)
{
    to = value;
}

/// Rounds to the nearest, ties to even.
ANIME_BOTH void from_float(float value, Half &to)
{
#ifdef __CUDA_ARCH__
    to.bits = static_cast<__half_raw>(__float2half_rn(value)).x;
#else
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000U);
    bits &= 0x7FFFFFFFU;
    if (bits > 0x7F800000U) {
        to.bits = sign | 0x7E00U;
    } else if (bits >= 0x477FF000U) { // rounds to more than 65504
        to.bits = sign | 0x7C00U;
    } else if (bits < 0x38800000U) { // below 2^-14: in units of 2^-24, which the addition rounds to
        float magnitude = 0;
        std::memcpy(&magnitude, &bits, sizeof magnitude);
        magnitude += 0.5F;
        std::uint32_t rounded = 0;
        std::memcpy(&rounded, &magnitude, sizeof rounded);
        to.bits = static_cast<std::uint16_t>(sign | (rounded - 0x3F000000U));
    } else {
        const std::uint32_t odd = bits >> 13 & 1U;
        to.bits = static_cast<std::uint16_t>(sign | ((bits - 0x38000000U + 0xFFFU + odd) >> 13));
    }
#endif
}

/// `N` neighbouring channels, whose address is a multiple of their size (16 bytes at most).
template <int N>
struct Lanes {
    float at[N];
};

#ifdef __CUDA_ARCH__
/// Memory accesses as wide as the machine has them.
template <int Bytes>
struct Word;
template <>
struct Word<4> {
    using type = unsigned;
};
template <>
struct Word<8> {
    using type = uint2;
};
template <>
struct Word<16> {
    using type = uint4;
};
#endif

template <int N, typename T>
ANIME_BOTH Lanes<N> load(const T *from)
{
    alignas(16) T values[N];
#ifdef __CUDA_ARCH__
    constexpr int step = N * sizeof(T) < 16 ? N * sizeof(T) : 16;
    using Wide = typename Word<step>::type;
#pragma unroll
    for (int i = 0; i < int(N * sizeof(T)) / step; ++i)
        reinterpret_cast<Wide *>(values)[i] = reinterpret_cast<const Wide *>(from)[i];
#else
    std::memcpy(values, from, sizeof values);
#endif
    Lanes<N> out;
#ifdef __CUDACC__
#pragma unroll
#endif
    for (int i = 0; i < N; ++i)
        out.at[i] = to_float(values[i]);
    return out;
}

template <int N, typename T>
ANIME_BOTH void store(T *to, const Lanes<N> &lanes)
{
    alignas(16) T values[N];
#ifdef __CUDACC__
#pragma unroll
#endif
    for (int i = 0; i < N; ++i)
        from_float(lanes.at[i], values[i]);
#ifdef __CUDA_ARCH__
    constexpr int step = N * sizeof(T) < 16 ? N * sizeof(T) : 16;
    using Wide = typename Word<step>::type;
#pragma unroll
    for (int i = 0; i < int(N * sizeof(T)) / step; ++i)
        reinterpret_cast<Wide *>(to)[i] = reinterpret_cast<const Wide *>(values)[i];
#else
    std::memcpy(to, values, sizeof values);
#endif
}

} // namespace anime::cuda
