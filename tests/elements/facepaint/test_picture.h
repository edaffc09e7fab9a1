// SPDX-License-Identifier: LGPL-2.1-or-later
// Pictures for tests, with bytes around the pixels that nobody may touch.
#pragma once

#include "models/image.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace anime
{

struct TestPicture {
    static constexpr std::uint8_t untouched = 0xA5;

    TestPicture(int width, int height, int pixel = 3)
        : bytes(static_cast<std::size_t>((width * pixel + 5) * height), untouched),
          image{bytes.data(), width, height, width * std::ptrdiff_t{pixel} + 5, pixel}
    {
    }
    /// Byte `c` of pixel (x, y) becomes function(x, y, c).
    template <typename Function>
    TestPicture(int width, int height, int pixel, Function function) : TestPicture(width, height, pixel)
    {
        for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x)
                for (int c = 0; c < pixel; ++c)
                    image.at(x, y)[c] = static_cast<std::uint8_t>(function(x, y, c));
    }
    TestPicture(const TestPicture &) = delete;
    TestPicture &operator=(const TestPicture &) = delete;

    ConstImage view() const { return as_const(image); }

    std::vector<std::uint8_t> bytes;
    Image image;
};

/// No two neighbours alike.
inline int texture(int x, int y, int c)
{
    return (x * 37 + y * 91 + c * 53 + x * y * 7) % 256;
}

} // namespace anime
