// SPDX-License-Identifier: LGPL-2.1-or-later
// Gives a painting the photo's light: networks mute what is bright and lift what is dark, so that white
// shirts come out grey, and black hair too.
#pragma once

#include "elements/animeganfilter/tone_row.h"
#include "models/image.h"

#include <array>
#include <cstdint>
#include <optional>

namespace anime
{

/// How the painting's luma follows the photo's.
enum class ToneMatch {
    automatic, ///< full, or fade for a style that grades for itself
    off,
    fade, ///< only where the photo is nearly black, so that a fade to black ends there
    mean, ///< its mean, by one factor
    full, ///< its distribution, by a curve
};

/// How many pixels have each luma (.299 R + .587 G + .114 B, rounded).
using LumaCounts = std::array<std::uint32_t, 256>;

/// Of a large picture it counts evenly spaced pixels, about 64 thousand of them.
LumaCounts count_luma(const ConstImage &image);

/// The luma below which this share (0 to 1) of the pixels lies, in levels and parts of them. A picture
/// without pixels has none: the counts may not all be 0.
double percentile(const LumaCounts &counts, double share);

/// From 0 to 255, of the same pixels as count_luma().
double mean_luma(const ConstImage &image);

/// How far luma is moved on average, in levels, to make one picture's distribution the other's.
double distance(const LumaCounts &a, const LumaCounts &b);

/// What becomes of each luma; it never falls.
using ToneCurve = std::array<float, 256>;

/// The factor from one mean to the other, at least ½ and at most 2: beyond that it is not a muted painting
/// but another picture, and the product would be noise.
ToneCurve factor_curve(double painting, double photo);

/// A smooth curve through the percentiles of both (0.5 to 99.5 %), from black to white. No luma becomes more
/// than twice what it was, and no difference more than four times, so that the noise of a frame that is
/// nearly black, or of one colour, is not blown up; what is darker than the painting may become as dark as
/// the photo.
ToneCurve full_curve(const LumaCounts &painting, const LumaCounts &photo);

/// By luma: what a pixel is multiplied with, for the kernels in tone_row.h.
ToneGains gains_of(const ToneCurve &curve);

/// How much of a painting is shown whose style has a light of its own, from 0 to 256: none of it where the
/// brightest of the photo is as good as black, all of it where that could be seen in the dark, and in between
/// so much more as the photo is lighter.
int shown_in_the_dark(const LumaCounts &photo);

/// Multiplies R, G and B of each pixel by what the curve makes of its luma, so that its hue stays and its
/// chroma goes along. A channel ends at 255.
void apply_tone(const Image &image, const ToneCurve &curve);

/// Matches the frames of one stream.
class ToneMatcher
{
public:
    /// `automatic` is not for here. From frame to frame the curve moves a part of the way, so that light does
    /// not flicker; where the photo's distribution jumps, as at a cut, it starts anew.
    void match(const ConstImage &photo, const Image &painting, ToneMatch how);

    void forget() { *this = {}; }

private:
    struct Last {
        ToneMatch how;
        LumaCounts photo;
        ToneCurve curve;
    };
    std::optional<Last> last_;
};

} // namespace anime
