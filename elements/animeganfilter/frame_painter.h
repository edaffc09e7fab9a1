// SPDX-License-Identifier: LGPL-2.1-or-later
// What animeganfilter does to one frame around the painter's work.
#pragma once

#include "elements/animeganfilter/enlarge.h"
#include "elements/animeganfilter/temporal_smoother.h"
#include "elements/animeganfilter/tone.h"
#include "models/painter.h"

#include <atomic>
#include <vector>

namespace anime
{

struct FrameSettings {
    int max_dimension = 0; ///< pixels; 0: paint at the frame's own size
    double strength = 1;   ///< 0: the photo, 1: the painting
    double scale = 1;      ///< of both sides, within max_dimension
    ToneMatch match_tone = ToneMatch::automatic;
    double temporal_smoothing = 0; ///< 0 to 1, see TemporalSmoother
};

struct FrameStats {
    PaintStats cost;
    int painted_width = 0; ///< 0 where nothing was painted
    int painted_height = 0;
};

/// Paints the frames of one stream. For one thread.
class FramePainter
{
public:
    /// Paints `in` at full strength into `out`, which has the same size and pixels of the same size; the
    /// fourth byte is left to finish_frame(). Throws what Painter::paint throws.
    FrameStats paint(Painter &painter, const ConstImage &in, const Image &out, const FrameSettings &settings,
                     const std::atomic<bool> &cancel);

    /// Has `painter` paint `in` for nobody to see, at the size that these settings give, so that what it
    /// makes for that size is there when it is needed. Throws what Painter::paint throws.
    void rehearse(Painter &painter, const ConstImage &in, const FrameSettings &settings,
                  const std::atomic<bool> &cancel);

    /// Takes the flicker out of `out`, faces and all, where `in` stays as it was in the frame before.
    void steady(const ConstImage &in, const Image &out, double temporal_smoothing);

    /// Forgets the frames before and frees what was kept for the next one.
    void forget();

private:
    /// The photo at the size at which it is painted; `in` itself, or in small_photo_.
    ConstImage fit(const ConstImage &in, const FrameSettings &settings);

    ToneMatcher tone_;
    TemporalSmoother smoother_;
    Enlarger enlarger_;
    std::vector<std::uint8_t> small_photo_;
    std::vector<std::uint8_t> small_painting_;
};

/// Whether anything of the painting is seen: strength counts in steps of 1/256.
bool is_visible(double strength);

/// Gives the painting in `out` the photo's alpha, and blends it with the photo by `strength`.
void finish_frame(const ConstImage &in, const Image &out, double strength);

} // namespace anime
