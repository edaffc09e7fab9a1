// SPDX-License-Identifier: LGPL-2.1-or-later
// Takes the flicker out of painted video: where the photo stays, the painting stays.
#pragma once

#include "models/image.h"

#include <vector>

namespace anime
{

/// Noise in a camera's picture makes a network draw a line in one frame and not in the next. For each pixel
/// whose photo changed by less than `noise` levels since the last frame, the painting moves only a part of
/// the way from the last painting to the new one: new + amount · (last − new) up to a change of `same`, and
/// from there less, down to none at `noise`. A result between two levels is the one nearer to the last
/// painting. Motion is not followed; where something moves, the new painting is taken as it is.
class TemporalSmoother
{
public:
    static constexpr int same = 4;
    static constexpr int noise = 16; ///< levels of 255, largest of the three channels

    /// `amount` from 0 to less than 1. The first picture, and one of another size, goes through unchanged.
    /// Both pictures have pixels of the same size.
    void smooth(const ConstImage &photo, const Image &painting, double amount);
    /// Frees what is kept of the last frame.
    void forget();

private:
    int width_ = 0;
    int height_ = 0;
    int pixel_ = 0;
    std::vector<std::uint8_t> photo_; ///< rows follow each other without a gap
    std::vector<std::uint8_t> painting_;
};

} // namespace anime
