// SPDX-License-Identifier: LGPL-2.1-or-later
// Views of interleaved 8-bit pixels: shape, stride, nothing owned.
#pragma once

#include <cstddef>
#include <cstdint>

namespace anime
{

/// Interleaved 8-bit pixels whose first three bytes are R, G, B. `pixel` is the distance in bytes between two
/// pixels (3 for RGB, 4 for RGBA and RGBx), `stride` between two rows; a fourth byte is neither read nor
/// written.
template <typename Byte>
struct BasicImage {
    Byte *data = nullptr;
    int width = 0;
    int height = 0;
    std::ptrdiff_t stride = 0;
    int pixel = 3;

    Byte *row(int y) const { return data + y * stride; }
    Byte *at(int x, int y) const { return row(y) + static_cast<std::ptrdiff_t>(x) * pixel; }
};

using Image = BasicImage<std::uint8_t>;
using ConstImage = BasicImage<const std::uint8_t>;

inline ConstImage as_const(const Image &i)
{
    return {i.data, i.width, i.height, i.stride, i.pixel};
}

} // namespace anime
