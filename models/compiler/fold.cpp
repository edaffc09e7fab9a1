// SPDX-License-Identifier: LGPL-2.1-or-later
// Rounds weights to 8 bits so that their errors cancel where the input changes little.
#include "models/compiler/fold.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
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

/// The largest sum of weights of one sign whose products are added in 16 bits.
float largest_sum(std::span<const float> kernels, const std::vector<int> &sums)
{
    const int count = 1 + *std::max_element(sums.begin(), sums.end());
    std::vector<float> up(count, 0.0F);
    std::vector<float> down(count, 0.0F);
    for (std::size_t k = 0; k < kernels.size(); ++k)
        (kernels[k] > 0 ? up : down)[sums[k]] += std::fabs(kernels[k]);
    return std::max(*std::max_element(up.begin(), up.end()), *std::max_element(down.begin(), down.end()));
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

/// The kernels of one output channel as whole numbers times a scale.
struct Rounded {
    std::vector<float> kernels;
    double constant = 0; ///< what rounding changes at the mean of the input, and the input's zero
};

/// `first`: of the input channels. `exact`: the kernels in units of the scale.
Rounded round_kernels(const FoldSpec &spec, const Quant &input, std::size_t first, std::vector<float> exact)
{
    Rounded out{std::move(exact), 0};
    std::vector<float> errors;
    for (std::size_t i = 0; i < out.kernels.size() / spec.taps; ++i) {
        const std::span taps(out.kernels.data() + i * spec.taps, spec.taps);
        const std::size_t channel = first + i;
        const double mean = spec.mean.empty() ? 0 : spec.mean[channel] / input.scale[channel];
        const auto sum = [&] { return std::accumulate(taps.begin(), taps.end(), 0.0); };
        const double before = sum();
        round_taps(taps, errors);
        out.constant += before * mean - sum() * (mean + input.zero[channel]);
    }
    return out;
}

/// The smallest scale with which the weights fit, before they are rounded.
float smallest_scale(const FoldSpec &spec, std::span<const float> kernels)
{
    float largest = 0;
    for (float weight : kernels)
        largest = std::max(largest, std::fabs(weight));
    float scale = largest > 0 ? largest / largest_weight : 1.0F;
    if (!spec.sums.empty())
        scale = std::max(scale, largest_sum(kernels, spec.sums) / largest_pair);
    else if (spec.paired)
        scale = std::max(scale, largest_sum_of_two(kernels, spec.taps) / rounded_pair);
    return scale;
}

/// What the kernels of output `o` are before they are rounded: times the scale of their inputs.
std::vector<float> scaled_kernels(const FoldSpec &spec, const Quant &input, int o)
{
    const std::size_t per_group = input.scale.size() / spec.groups;
    const std::size_t first = o / (spec.channels / spec.groups) * per_group;
    const std::size_t size = per_group * spec.taps;
    std::vector<float> out(spec.weights.begin() + o * size, spec.weights.begin() + (o + 1) * size);
    for (std::size_t k = 0; k < size; ++k)
        out[k] *= input.scale[first + k / spec.taps];
    return out;
}

} // namespace

/// x = scale · (q − zero) turns w · x into (w · scale) · q − w · scale · zero. The bias takes the second part
/// (it is a constant, because the border holds picture values and never zeros) and what rounding the weights
/// changes at the mean of the input: an error that is the same everywhere would shift the colours.
Folded fold(const FoldSpec &spec, const Quant &input)
{
    const std::size_t per_group = input.scale.size() / spec.groups;
    Folded out{{}, spec.bias, {}};
    out.bias.resize(spec.channels, 0.0F);
    for (int o = 0; o < spec.channels; ++o) {
        const std::vector<float> kernels = scaled_kernels(spec, input, o);
        const std::size_t first = o / (spec.channels / spec.groups) * per_group;
        float scale = smallest_scale(spec, kernels);
        Rounded rounded;
        for (bool fits = false; !fits;) {
            std::vector<float> exact = kernels;
            for (float &weight : exact)
                weight /= scale;
            rounded = round_kernels(spec, input, first, std::move(exact));
            // Rounding makes sums larger. What counts is what they came to.
            const float sum = spec.sums.empty() ? 0 : largest_sum(rounded.kernels, spec.sums);
            fits = sum <= largest_pair;
            if (!fits)
                scale *= (sum + 0.5F) / largest_pair;
        }
        out.weights.insert(out.weights.end(), rounded.kernels.begin(), rounded.kernels.end());
        out.bias[o] = static_cast<float>(out.bias[o] / scale + rounded.constant);
        out.scales.push_back(scale);
    }
    return out;
}

double rounding_error(const FoldSpec &spec, const Quant &input, const Folded &folded)
{
    double errors = 0;
    double all = 0;
    for (int o = 0; o < spec.channels; ++o) {
        const std::vector<float> kernels = scaled_kernels(spec, input, o);
        for (std::size_t k = 0; k < kernels.size(); ++k) {
            const double error = folded.weights[o * kernels.size() + k] * folded.scales[o] - kernels[k];
            errors += error * error;
            all += static_cast<double>(kernels[k]) * kernels[k];
        }
    }
    return all > 0 ? errors / all : 0;
}

} // namespace anime::compiler
