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

} // namespace

ConstImage FramePainter::fit(const ConstImage &in, const FrameSettings &settings)
{
    const int longest = std::max(in.width, in.height);
    const double bound = settings.max_dimension > 0 ? double(settings.max_dimension) / longest : 1;
    const double scale = std::min(1.0, bound) * settings.scale;
    if (scale >= 1)
        return in;
    const int width = std::max(1, static_cast<int>(std::lround(in.width * scale)));
    const int height = std::max(1, static_cast<int>(std::lround(in.height * scale)));
    const Image small = packed(small_photo_, width, height, in.pixel);
    resize(in, small);
    return as_const(small);
}

void FramePainter::rehearse(Painter &painter, const ConstImage &in, const FrameSettings &settings,
                            const std::atomic<bool> &cancel)
{
    const ConstImage photo = fit(in, settings);
    std::vector<std::uint8_t> unseen;
    painter.paint(photo, packed(unseen, photo.width, photo.height, photo.pixel), cancel);
}

FrameStats FramePainter::paint(Painter &painter, const ConstImage &in, const Image &out,
                               const FrameSettings &settings, const std::atomic<bool> &cancel)
{
    FrameStats stats;
    const ConstImage photo = fit(in, settings);
    const bool scaled = photo.data != in.data;
    const Image painting = scaled ? packed(small_painting_, photo.width, photo.height, out.pixel) : out;

    stats.cost = painter.paint(photo, painting, cancel);
    stats.painted_width = painting.width;
    stats.painted_height = painting.height;
    if (const ToneMatch how = match_for(settings.match_tone, painter.info()); how != ToneMatch::off)
        tone_.match(photo, painting, how);
    else
        tone_.forget();
    if (scaled)
        enlarger_.enlarge(photo, as_const(painting), in, out);
    return stats;
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
