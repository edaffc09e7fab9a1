// SPDX-License-Identifier: LGPL-2.1-or-later
// Pictures that a test makes and looks at pixel by pixel.
#pragma once

#include "models/image.h"
#include "tests/elements/fake_painter.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace anime
{

/// A picture that owns its pixels, with bytes of 0xEE after each row that must never change.
class Picture
{
public:
    Picture(int width, int height, Colour colour = {0, 0, 0}, int pixel = 3, int gap = 0)
        : width_(width), height_(height), pixel_(pixel), stride_(width * pixel + gap),
          bytes_(static_cast<std::size_t>(stride_) * height, 0xEE)
    {
        fill([colour](int, int) { return colour; });
    }

    template <typename Function>
    void fill(Function colour_at)
    {
        for (int y = 0; y < height_; ++y) {
            for (int x = 0; x < width_; ++x) {
                const Colour colour = colour_at(x, y);
                std::copy(colour.begin(), colour.end(), image().at(x, y));
            }
        }
    }

    Image image() { return {bytes_.data(), width_, height_, stride_, pixel_}; }
    ConstImage view() const { return {bytes_.data(), width_, height_, stride_, pixel_}; }
    Colour at(int x, int y) const
    {
        const std::uint8_t *p = view().at(x, y);
        return {p[0], p[1], p[2]};
    }
    bool is_flat(Colour colour) const
    {
        for (int y = 0; y < height_; ++y)
            for (int x = 0; x < width_; ++x)
                if (at(x, y) != colour)
                    return false;
        return true;
    }
    bool gaps_are_untouched() const
    {
        for (int y = 0; y < height_; ++y)
            for (int i = width_ * pixel_; i < stride_; ++i)
                if (view().row(y)[i] != 0xEE)
                    return false;
        return true;
    }

private:
    int width_;
    int height_;
    int pixel_;
    int stride_;
    std::vector<std::uint8_t> bytes_;
};

} // namespace anime
