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

/// A frame under way: what the net makes of it, and what that takes.
struct NetFrame {
    ConstImage in; ///< the photo
    Image out;     ///< of the same size, with pixels of the same size
    FrameSettings settings;

    ConstImage photo; ///< at the size at which it is painted: `in`, or in small_photo
    Image painting;   ///< `out`, or in small_painting
    ToneMatch how = ToneMatch::off;
    FrameStats stats;
    std::vector<std::uint8_t> small_photo;
    std::vector<std::uint8_t> small_painting;
};

/// The net's part of painting `in` at full strength, which knows of no frame before: several may be under way
/// at the same time. Throws what Painter::paint throws.
void paint_with_net(Painter &painter, NetFrame &frame, const std::atomic<bool> &cancel);

/// Paints the frames of one stream. For one thread.
class FramePainter
{
public:
    /// Paints `in` at full strength into `out`, which has the same size and pixels of the same size; the
    /// fourth byte is left to finish_frame(). Throws what Painter::paint throws.
    FrameStats paint(Painter &painter, const ConstImage &in, const Image &out, const FrameSettings &settings,
                     const std::atomic<bool> &cancel);

    /// The part of it that follows paint_with_net(), for frames in their order.
    void follow_net(const NetFrame &frame);

    /// Has `painter` paint `in` for nobody to see, at the size that these settings give, so that what it
    /// makes for that size is there when it is needed. Throws what Painter::paint throws.
    void rehearse(Painter &painter, const ConstImage &in, const FrameSettings &settings,
                  const std::atomic<bool> &cancel);

    /// Takes the flicker out of `out`, faces and all, where `in` stays as it was in the frame before.
    void steady(const ConstImage &in, const Image &out, double temporal_smoothing);

    /// Forgets the frames before and frees what was kept for the next one.
    void forget();

private:
    ToneMatcher tone_;
    TemporalSmoother smoother_;
    Enlarger enlarger_;
    NetFrame frame_; ///< of paint() and rehearse()
};

/// Whether anything of the painting is seen: strength counts in steps of 1/256.
bool is_visible(double strength);

/// Gives the painting in `out` the photo's alpha, and blends it with the photo by `strength`.
void finish_frame(const ConstImage &in, const Image &out, double strength);

} // namespace anime
