// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/animeganfilter/frame_painter.h"

#include "elements/animeganfilter/pixels.h"
#include "elements/animeganfilter/resize.h"

#include <algorithm>
#include <cmath>

namespace anime
{

namespace
{

int weight_of(double strength)
{
    return static_cast<int>(std::lround(256 * strength));
}

ToneMatch match_for(ToneMatch wanted, const PainterInfo &style)
{
    if (wanted != ToneMatch::automatic)
        return wanted;
    return style.graded ? ToneMatch::fade : ToneMatch::full;
}

Image packed(std::vector<std::uint8_t> &pixels, int width, int height, int pixel)
{
    pixels.resize(static_cast<std::size_t>(pixel) * width * height);
    return {pixels.data(), width, height, static_cast<std::ptrdiff_t>(pixel) * width, pixel};
}

/// The photo at the size at which it is painted; `in` itself, or in `small`.
ConstImage fit(const ConstImage &in, const FrameSettings &settings, std::vector<std::uint8_t> &small)
{
    const int longest = std::max(in.width, in.height);
    const double bound = settings.max_dimension > 0 ? double(settings.max_dimension) / longest : 1;
    const double scale = std::min(1.0, bound) * settings.scale;
    if (scale >= 1)
        return in;
    const int width = std::max(1, static_cast<int>(std::lround(in.width * scale)));
    const int height = std::max(1, static_cast<int>(std::lround(in.height * scale)));
    const Image photo = packed(small, width, height, in.pixel);
    resize(in, photo);
    return as_const(photo);
}

bool is_small(const NetFrame &frame)
{
    return frame.photo.data != frame.in.data;
}

} // namespace

void paint_with_net(Painter &painter, NetFrame &frame, const std::atomic<bool> &cancel)
{
    frame.photo = fit(frame.in, frame.settings, frame.small_photo);
    frame.painting =
        is_small(frame) ? packed(frame.small_painting, frame.photo.width, frame.photo.height, frame.out.pixel)
                        : frame.out;
    frame.stats.cost = painter.paint(frame.photo, frame.painting, cancel);
    frame.stats.painted_width = frame.painting.width;
    frame.stats.painted_height = frame.painting.height;
    frame.how = match_for(frame.settings.match_tone, painter.info());
}

void FramePainter::follow_net(const NetFrame &frame)
{
    if (frame.how != ToneMatch::off)
        tone_.match(frame.photo, frame.painting, frame.how);
    else
        tone_.forget();
    if (is_small(frame))
        enlarger_.enlarge(frame.photo, as_const(frame.painting), frame.in, frame.out);
}

void FramePainter::rehearse(Painter &painter, const ConstImage &in, const FrameSettings &settings,
                            const std::atomic<bool> &cancel)
{
    const ConstImage photo = fit(in, settings, frame_.small_photo);
    std::vector<std::uint8_t> unseen;
    painter.paint(photo, packed(unseen, photo.width, photo.height, photo.pixel), cancel);
}

FrameStats FramePainter::paint(Painter &painter, const ConstImage &in, const Image &out,
                               const FrameSettings &settings, const std::atomic<bool> &cancel)
{
    frame_.in = in;
    frame_.out = out;
    frame_.settings = settings;
    paint_with_net(painter, frame_, cancel);
    follow_net(frame_);
    return frame_.stats;
}

void FramePainter::steady(const ConstImage &in, const Image &out, double temporal_smoothing)
{
    if (temporal_smoothing > 0)
        smoother_.smooth(in, out, temporal_smoothing);
    else
        smoother_.forget();
}

void FramePainter::forget()
{
    *this = {};
}

bool is_visible(double strength)
{
    return weight_of(strength) > 0;
}

void finish_frame(const ConstImage &in, const Image &out, double strength)
{
    const int weight = weight_of(strength);
    if (weight == 0)
        copy_rgb(in, out);
    copy_alpha(in, out);
    if (weight > 0 && weight < 256)
        blend_over(in, out, weight);
}

} // namespace anime
