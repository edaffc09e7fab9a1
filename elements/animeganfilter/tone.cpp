// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/animeganfilter/tone.h"

#include "elements/animeganfilter/pixels.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

namespace anime
{

namespace
{

constexpr int white = 255;
constexpr double most_gain = 2;
/// A painting has 64 levels where its photo has 200 (measured on group photos); more would be banding and
/// noise.
constexpr double steepest = 4;
/// Percentiles that are closer together than this in the painting, in levels, say nothing about a slope.
constexpr double least_step = 2;
/// A frame's part in the curve where the photo's light stays: at 25 frames a second, two thirds of a change
/// of the painting's within 0.2 s.
constexpr double part_of_new = 0.2;
/// Levels by which a frame's light moves at a cut; on the way there, a frame's part rises to all.
constexpr double cut = 16;

/// Luma of what is brightest in a frame that is shown as the photo has it, and in one that is all painted. A
/// style's black may be anything: violet, or the white of paper under a wash. Of 930 photos the darkest has
/// 103.
constexpr double as_good_as_black = 16;
constexpr double visible = 96;
constexpr double brightest = .995;

constexpr std::array<double, 9> shares = {.005, .02, .1, .25, .5, .75, .9, .98, .995};

std::uint64_t total(const LumaCounts &counts)
{
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

/// Calls `function` with the pixels that are counted.
template <typename Function>
void for_some(const ConstImage &image, Function function)
{
    constexpr std::int64_t most = 1 << 16;
    int step_x = 1;
    int step_y = 1;
    while (std::int64_t{image.width / step_x} * (image.height / step_y) > most)
        ++(image.width / step_x > image.height / step_y ? step_x : step_y);
    for (int y = step_y / 2; y < image.height; y += step_y) {
        const std::uint8_t *p = image.at(step_x / 2, y);
        for (int x = step_x / 2; x < image.width; x += step_x, p += std::ptrdiff_t{image.pixel} * step_x)
            function(p);
    }
}

struct Knot {
    double x; ///< luma of the painting
    double y; ///< what it becomes
};

/// The percentiles' knots, from the median outwards, so that where slopes are bounded the middle stays right.
std::vector<Knot> knots_between(const LumaCounts &painting, const LumaCounts &photo)
{
    const auto knot = [&](std::size_t i) {
        return Knot{percentile(painting, shares[i]), percentile(photo, shares[i])};
    };
    constexpr std::size_t median = shares.size() / 2;
    std::vector<Knot> knots = {knot(median)};
    const auto add_towards = [&](std::size_t i, auto end) {
        const Knot inner = *end();
        Knot outer = knot(i);
        if (std::abs(outer.x - inner.x) < least_step)
            return;
        const double most = steepest * std::abs(outer.x - inner.x);
        outer.y = inner.y + std::clamp(outer.y - inner.y, -most, most);
        knots.insert(outer.x < inner.x ? knots.begin() : knots.end(), outer);
    };
    for (std::size_t i = median; i-- > 0;)
        add_towards(i, [&] { return knots.begin(); });
    for (std::size_t i = median + 1; i < shares.size(); ++i)
        add_towards(i, [&] { return std::prev(knots.end()); });
    return knots;
}

/// Black stays black; what is brighter than the last knot keeps its distance, as far as there is room.
void add_ends(std::vector<Knot> &knots)
{
    for (Knot &knot : knots)
        knot.y = std::clamp(knot.y, 0.0, std::min(most_gain * knot.x, double{white}));
    if (knots.front().x >= least_step)
        knots.insert(knots.begin(), {0, 0});
    const Knot last = knots.back();
    if (last.x <= white - least_step)
        knots.push_back({white, std::min(double{white}, last.y + white - last.x)});
}

/// Slopes at the knots for a cubic that never falls between knots that don't: F. N. Fritsch and J. Butland, A
/// method for constructing local monotone piecewise cubic interpolants (1984).
std::vector<double> slopes_at(const std::vector<Knot> &knots)
{
    const std::size_t last = knots.size() - 1;
    const auto width = [&](std::size_t i) { return knots[i + 1].x - knots[i].x; };
    const auto secant = [&](std::size_t i) { return (knots[i + 1].y - knots[i].y) / width(i); };
    std::vector<double> slopes(knots.size(), secant(0));
    slopes[last] = secant(last - 1);
    for (std::size_t i = 1; i < last; ++i) {
        const double before = secant(i - 1);
        const double after = secant(i);
        const double a = 2 * width(i) + width(i - 1);
        const double b = width(i) + 2 * width(i - 1);
        slopes[i] = before * after <= 0 ? 0 : (a + b) / (a / before + b / after);
    }
    return slopes;
}

ToneCurve curve_through(const std::vector<Knot> &knots)
{
    const std::vector<double> slopes = slopes_at(knots);
    ToneCurve curve;
    std::size_t i = 0;
    for (int x = 0; x <= white; ++x) {
        while (i + 2 < knots.size() && x > knots[i + 1].x)
            ++i;
        const double width = knots[i + 1].x - knots[i].x;
        // The first and the last knot may lie up to least_step inside.
        const double t = std::clamp((x - knots[i].x) / width, 0.0, 1.0);
        const double u = 1 - t;
        const double y = u * u * (1 + 2 * t) * knots[i].y + t * t * (1 + 2 * u) * knots[i + 1].y +
                         t * u * width * (u * slopes[i] - t * slopes[i + 1]);
        curve[static_cast<std::size_t>(x)] = static_cast<float>(std::clamp(y, 0.0, most_gain * x));
    }
    return curve;
}

} // namespace

LumaCounts count_luma(const ConstImage &image)
{
    LumaCounts counts{};
    for_some(image, [&](const std::uint8_t *p) { ++counts[luma_of(p[0], p[1], p[2])]; });
    return counts;
}

double mean_luma(const ConstImage &image)
{
    std::uint64_t red = 0;
    std::uint64_t green = 0;
    std::uint64_t blue = 0;
    std::uint64_t pixels = 0;
    for_some(image, [&](const std::uint8_t *p) {
        red += p[0];
        green += p[1];
        blue += p[2];
        ++pixels;
    });
    return (.299 * static_cast<double>(red) + .587 * static_cast<double>(green) +
            .114 * static_cast<double>(blue)) /
           static_cast<double>(pixels);
}

double percentile(const LumaCounts &counts, double share)
{
    const double wanted = share * static_cast<double>(total(counts));
    double below = 0;
    for (std::size_t level = 0; level < counts.size(); ++level) {
        if (counts[level] > 0 && below + counts[level] >= wanted)
            return std::clamp(static_cast<double>(level) + (wanted - below) / counts[level] - .5, 0.0,
                              double{white});
        below += counts[level];
    }
    return white;
}

double distance(const LumaCounts &a, const LumaCounts &b)
{
    const auto all_a = static_cast<double>(total(a));
    const auto all_b = static_cast<double>(total(b));
    double ahead = 0; // of a, in what both have up to a level
    double moved = 0;
    for (std::size_t level = 0; level < a.size(); ++level) {
        ahead += a[level] / all_a - b[level] / all_b;
        moved += std::abs(ahead);
    }
    return moved;
}

ToneCurve factor_curve(double painting, double photo)
{
    // Less than one level at 255: a model that was trained towards matched pictures stays as it is.
    constexpr double least_change = 1.0 / 256;
    double ratio = painting > 0 ? std::clamp(photo / painting, 1 / most_gain, most_gain) : 1;
    if (std::abs(ratio - 1) <= least_change)
        ratio = 1;
    ToneCurve curve;
    for (std::size_t level = 0; level < curve.size(); ++level)
        curve[level] = static_cast<float>(ratio * static_cast<double>(level));
    return curve;
}

ToneCurve full_curve(const LumaCounts &painting, const LumaCounts &photo)
{
    std::vector<Knot> knots = knots_between(painting, photo);
    add_ends(knots);
    return curve_through(knots);
}

int shown_in_the_dark(const LumaCounts &photo)
{
    const double light = (percentile(photo, brightest) - as_good_as_black) / (visible - as_good_as_black);
    return static_cast<int>(std::lround(256 * std::clamp(light, 0.0, 1.0)));
}

ToneGains gains_of(const ToneCurve &curve)
{
    ToneGains gains;
    for (std::size_t level = 1; level < curve.size(); ++level) {
        const auto gain =
            static_cast<std::int16_t>(std::lround(gain_one * curve[level] / static_cast<double>(level)));
        gains[level] = {gain, gain, gain, gain_one};
    }
    gains[0] = gains[1];
    return gains;
}

void apply_tone(const Image &image, const ToneCurve &curve)
{
    const ToneGains gains = gains_of(curve);
    const ToneRow row = tone_rows().front();
    for (int y = 0; y < image.height; ++y)
        row(image.row(y), image.width, image.pixel, gains);
}

void ToneMatcher::match(const ConstImage &photo, const Image &painting, ToneMatch how)
{
    const LumaCounts wanted = count_luma(photo);
    if (how == ToneMatch::fade) {
        forget();
        if (const int shown = shown_in_the_dark(wanted); shown < 256)
            blend_over(photo, painting, shown);
        return;
    }
    ToneCurve curve = how == ToneMatch::mean ? factor_curve(mean_luma(as_const(painting)), mean_luma(photo))
                                             : full_curve(count_luma(as_const(painting)), wanted);
    if (last_ && last_->how == how) {
        const double moved = distance(last_->photo, wanted) / cut;
        const double dark =
            1 - shown_in_the_dark(wanted) / 256.; // where flicker is not seen, but a late black is
        const auto part = static_cast<float>(std::clamp(part_of_new + (1 - part_of_new) * moved, dark, 1.0));
        for (std::size_t level = 0; level < curve.size(); ++level)
            curve[level] = last_->curve[level] + part * (curve[level] - last_->curve[level]);
    }
    last_ = {how, wanted, curve};
    apply_tone(painting, curve);
}

} // namespace anime
