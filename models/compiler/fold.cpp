// SPDX-License-Identifier: LGPL-2.1-or-later
// Rounds weights to 8 bits so that their errors cancel where the input changes little.
#include "models/compiler/fold.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

namespace anime::compiler
{

namespace
{

constexpr float largest_weight = 127.0F;

/// What rounding can add to a sum of two weights: each is rounded by a half at most and moved by one.
constexpr float rounded_pair = largest_pair - 3;

/// The largest sum of two weights of one sign among four neighbouring input channels at one tap.
float largest_sum_of_two(std::span<const float> kernels, int taps)
{
    float largest = 0;
    const std::size_t channels = kernels.size() / taps;
    for (int t = 0; t < taps; ++t)
        for (std::size_t first = 0; first < channels; first += 4) {
            std::array<float, 2> up{};   // the two largest
            std::array<float, 2> down{}; // of the negative ones
            for (std::size_t i = first; i < std::min(first + 4, channels); ++i) {
                const float weight = kernels[i * taps + t];
                std::array<float, 2> &two = weight > 0 ? up : down;
                const float size = std::fabs(weight);
                two = {std::max(two[0], size), std::max(std::min(two[0], size), two[1])};
            }
            largest = std::max({largest, up[0] + up[1], down[0] + down[1]});
        }
    return largest;
}

/// Rounds the taps of one kernel; where rounding to the nearest would change their sum by more than half a
/// step, those that were nearly rounded the other way are. Neighbouring pixels are much alike, so an error of
/// the sum shows in flat areas, and errors of single taps do not.
void round_taps(std::span<float> taps, std::vector<float> &errors)
{
    errors.clear();
    float sum = 0;
    for (float &tap : taps) {
        const float rounded = std::nearbyint(tap);
        errors.push_back(rounded - tap);
        sum += errors.back();
        tap = rounded;
    }
    while (std::fabs(sum) > 0.5F) {
        const float step = sum > 0 ? -1.0F : 1.0F;
        std::size_t best = taps.size();
        for (std::size_t t = 0; t < taps.size(); ++t)
            if (std::fabs(taps[t] + step) <= largest_weight &&
                (best == taps.size() || errors[t] * step < errors[best] * step))
                best = t;
        if (best == taps.size())
            return;
        taps[best] += step;
        errors[best] += step;
        sum += step;
    }
}

} // namespace

/// x = scale · (q − zero) turns w · x into (w · scale) · q − w · scale · zero. The bias takes the second part
/// (it is a constant, because the border holds picture values and never zeros) and what rounding the weights
/// changes at the mean of the input: an error that is the same everywhere would shift the colours.
Folded fold(const FoldSpec &spec, const Quant &input)
{
    const std::size_t per_group = input.scale.size() / spec.groups;
    const int outputs_per_group = spec.channels / spec.groups;
    Folded out{spec.weights, spec.bias, {}};
    out.bias.resize(spec.channels, 0.0F);
    out.scales.resize(spec.channels);
    std::vector<float> errors;
    for (int o = 0; o < spec.channels; ++o) {
        const std::size_t first = o / outputs_per_group * per_group;
        const std::span kernels(out.weights.data() + o * per_group * spec.taps, per_group * spec.taps);
        float largest = 0;
        for (std::size_t k = 0; k < kernels.size(); ++k) {
            kernels[k] *= input.scale[first + k / spec.taps];
            largest = std::max(largest, std::fabs(kernels[k]));
        }
        float scale = largest > 0 ? largest / largest_weight : 1.0F;
        if (spec.paired)
            scale = std::max(scale, largest_sum_of_two(kernels, spec.taps) / rounded_pair);
        double constant = out.bias[o] / scale;
        for (std::size_t i = 0; i < per_group; ++i) {
            const std::span taps = kernels.subspan(i * spec.taps, spec.taps);
            const std::size_t channel = first + i;
            const double mean = spec.mean.empty() ? 0 : spec.mean[channel] / input.scale[channel];
            double exact = 0;
            for (float &tap : taps) {
                tap /= scale;
                exact += tap;
            }
            round_taps(taps, errors);
            double rounded = 0;
            for (float tap : taps)
                rounded += tap;
            constant += exact * mean - rounded * (mean + input.zero[channel]);
        }
        out.bias[o] = static_cast<float>(constant);
        out.scales[o] = scale;
    }
    return out;
}

} // namespace anime::compiler
