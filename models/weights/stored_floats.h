// SPDX-License-Identifier: LGPL-2.1-or-later
// The number formats that weights are stored in, little-endian, widened to float.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace anime
{

enum class FloatFormat { f32, f16, bf16 };

constexpr std::size_t bytes_of(FloatFormat format)
{
    return format == FloatFormat::f32 ? 4 : 2;
}

/// As many values as `bytes` holds, exactly.
std::vector<float> to_floats(FloatFormat format, std::span<const std::byte> bytes);

} // namespace anime
