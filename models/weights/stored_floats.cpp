// SPDX-License-Identifier: LGPL-2.1-or-later
// Widens half precision and bfloat16.
#include "models/weights/stored_floats.h"

#include <bit>
#include <cstdint>
#include <cstring>

namespace anime
{

namespace
{

static_assert(std::endian::native == std::endian::little, "weights are stored little-endian");

float from_half(std::uint16_t h)
{
    const std::uint32_t sign = std::uint32_t{h & 0x8000U} << 16;
    const std::uint32_t exponent = h >> 10 & 0x1FU;
    const std::uint32_t mantissa = h & 0x3FFU;
    if (exponent == 0) { // zero and subnormal: mantissa · 2^-24
        const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
        return sign ? -magnitude : magnitude;
    }
    if (exponent == 0x1F) // infinity and NaN stay what they are
        return std::bit_cast<float>(sign | 0x7F800000U | mantissa << 13);
    return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
}

float from_bfloat(std::uint16_t b)
{
    return std::bit_cast<float>(std::uint32_t{b} << 16);
}

} // namespace

std::vector<float> to_floats(FloatFormat format, std::span<const std::byte> bytes)
{
    std::vector<float> values(bytes.size() / bytes_of(format));
    if (format == FloatFormat::f32) {
        std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
        return values;
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
        std::uint16_t stored;
        std::memcpy(&stored, bytes.data() + i * sizeof stored, sizeof stored);
        values[i] = format == FloatFormat::f16 ? from_half(stored) : from_bfloat(stored);
    }
    return values;
}

} // namespace anime
