// SPDX-License-Identifier: LGPL-2.1-or-later
// Takes the flicker out of painted video: where the photo stays, the painting stays.
#pragma once

#include "models/image.h"

#include <vector>

namespace anime
{

/// Noise in a camera's picture makes a network draw a line in one frame and not in the next. For each pixel
/// whose photo changed by less than `noise` levels since the last frame, the painting moves only a part of
/// the way from the last painting to the new one: painting += amount · (1 − change / noise) · (last − new).
/// Motion is not followed; where something moves, the new painting is taken as it is.
class TemporalSmoother
{
public:
    static constexpr int noise = 16; ///< levels of 255, largest of the three channels

    /// `amount` from 0 to 1. The first picture, and one of another size, goes through unchanged.
    void smooth(const ConstImage &photo, const Image &painting, double amount);
    /// Frees what is kept of the last frame.
    void forget();

private:
    int width_ = 0;
    int height_ = 0;
    std::vector<std::uint8_t> photo_; ///< packed RGB
    std::vector<std::uint8_t> painting_;
};

} // namespace anime
